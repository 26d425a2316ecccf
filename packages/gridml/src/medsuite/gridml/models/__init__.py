"""Families of surrogates behind one interface: `family(name).fit(cases, budget, seed).predict(case)`."""
