"""Ask a language model: a server or one on this machine, behind one interface, with every answer kept.

For example::

    client = LocalClient.load("smollm2-135m")                       # or
    client = ServerClient("http://localhost:8000/v1", "my-model")
    request = Request((Message("user", "Is the sky blue?"),), options=("yes", "no"))
    with AnswerStore(Path("answers.sqlite")) as store:
        answers = store.get_or_ask(client, [request])
    print(answers[0].options.probabilities(), count_states(answers))

Importing this module imports neither torch nor aiohttp.
"""

from typing import TYPE_CHECKING

from medsuite.core.lazy import lazy_names

if TYPE_CHECKING:
    from medsuite.core.llm.local import LocalClient
    from medsuite.core.llm.model import Answer, Client, Message, OptionScores, Request, Sampling, State
    from medsuite.core.llm.pacing import Limits, Price
    from medsuite.core.llm.server import ServerClient
    from medsuite.core.llm.states import count_states
    from medsuite.core.llm.store import AnswerStore

_HOMES = {
    "Answer": "model",
    "AnswerStore": "store",
    "Client": "model",
    "Limits": "pacing",
    "LocalClient": "local",
    "Message": "model",
    "OptionScores": "model",
    "Price": "pacing",
    "Request": "model",
    "Sampling": "model",
    "ServerClient": "server",
    "State": "model",
    "count_states": "states",
}

__all__ = [
    "Answer",
    "AnswerStore",
    "Client",
    "Limits",
    "LocalClient",
    "Message",
    "OptionScores",
    "Price",
    "Request",
    "Sampling",
    "ServerClient",
    "State",
    "count_states",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
