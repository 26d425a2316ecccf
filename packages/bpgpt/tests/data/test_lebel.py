import h5py
import numpy as np
import pytest

from medsuite.bpgpt.data.lebel import LebelDataset
from medsuite.core.errors import InputError


def response(folder, story="alpha"):
    return folder / "derivative" / "preprocessed_data" / "UTS01" / f"{story}.hf5"


def test_subjects_and_stories_are_what_lies_in_the_folder(lebel_folder):
    dataset = LebelDataset(lebel_folder)
    (lebel_folder / "derivative" / "TextGrids" / "beta.TextGrid").unlink()
    assert dataset.subjects == ["UTS01", "UTS02"]
    assert dataset.stories("UTS01") == ["alpha", "wheretheressmoke"]


def test_a_response_has_twenty_rows_fewer_than_trs_and_begins_at_ten_seconds(lebel_folder):
    run = LebelDataset(lebel_folder).run("UTS02", "alpha")
    assert run.shape == (31, 9)
    np.testing.assert_allclose(run.times[[0, 1, -1]], [10, 12, 70])


def test_the_voxels_of_a_mask_are_read_in_float32(lebel_folder):
    keep = np.arange(9) % 4 == 1
    bold = LebelDataset(lebel_folder).run("UTS01", "alpha").bold(keep)
    with h5py.File(response(lebel_folder)) as file:
        np.testing.assert_allclose(bold, file["data"][:][:, keep], rtol=1e-6)
    assert bold.dtype == np.float32


def test_more_rows_than_a_block_are_all_read(lebel_folder):
    with h5py.File(response(lebel_folder), "w") as file:
        file["data"] = np.arange(150.0 * 2).reshape(150, 2)
    run = LebelDataset(lebel_folder).run("UTS01", "alpha")
    unlisted = type(run)(run.subject, run.story, run.path, None)
    np.testing.assert_array_equal(unlisted.bold(), np.arange(300).reshape(150, 2))


def test_the_average_of_a_test_story_is_the_mean_of_its_repeats(lebel_folder):
    run = LebelDataset(lebel_folder).run("UTS01", "wheretheressmoke")
    np.testing.assert_allclose(run.repeats().mean(axis=0), run.bold(), atol=1e-6)
    keep = np.arange(9) < 2
    np.testing.assert_array_equal(run.repeats(keep), run.repeats()[:, :, keep])


def test_naming_a_run_reads_nothing(lebel_folder):
    response(lebel_folder).write_bytes(b"broken")
    run = LebelDataset(lebel_folder).run("UTS01", "alpha")
    with pytest.raises(InputError, match="cannot be read as HDF5"):
        _ = run.shape


def test_rows_that_do_not_fit_the_story_are_refused_with_both_numbers(lebel_folder):
    response(lebel_folder).write_bytes(response(lebel_folder, "beta").read_bytes())
    with pytest.raises(InputError, match="has 25 rows; expected 31, the 51 TRs of alpha without 20"):
        LebelDataset(lebel_folder).run("UTS01", "alpha").bold()


def test_a_file_without_the_dataset_lists_what_it_holds(lebel_folder):
    with h5py.File(response(lebel_folder), "w") as file:
        file["response"] = np.zeros((31, 9))
    with pytest.raises(InputError, match="holds response; expected a dataset called data"):
        LebelDataset(lebel_folder).run("UTS01", "alpha").bold()


@pytest.mark.parametrize("mask", [np.ones(8, dtype=bool), np.zeros(9, dtype=bool)])
def test_a_mask_of_another_subject_or_of_nothing_is_refused(lebel_folder, mask):
    with pytest.raises(InputError, match="expected 9 voxels, at least one kept"):
        LebelDataset(lebel_folder).run("UTS01", "alpha").bold(mask)


def test_unknown_subjects_and_stories_name_the_nearest(lebel_folder):
    dataset = LebelDataset(lebel_folder)
    with pytest.raises(InputError, match="did you mean 'UTS0"):
        dataset.stories("UTS03")
    with pytest.raises(InputError, match="did you mean 'wheretheressmoke'"):
        dataset.run("UTS01", "wherethereissmoke")


def test_the_wrong_folder_says_what_is_missing(tmp_path):
    with pytest.raises(InputError, match="has no folder derivative/TextGrids"):
        LebelDataset(tmp_path)


@pytest.mark.parametrize("content", ["{", "[1, 2]", '{"alpha": null}'])
def test_a_damaged_table_of_trs_says_so(lebel_folder, content):
    (lebel_folder / "derivative" / "respdict.json").write_text(content)
    with pytest.raises(InputError, match=r"respdict.json is damaged"):
        _ = LebelDataset(lebel_folder).trs


def test_a_missing_table_of_trs_says_so(lebel_folder):
    (lebel_folder / "derivative" / "respdict.json").unlink()
    with pytest.raises(InputError, match=r"cannot read .*respdict.json"):
        _ = LebelDataset(lebel_folder).trs


def rewritten(folder, **datasets):
    response(folder).unlink()
    with h5py.File(response(folder), "w") as file:
        for name, values in datasets.items():
            file[name] = values
    return LebelDataset(folder).run("UTS01", "alpha")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros(31), r"has the shape \(31,\) of float64; expected numbers, TR x voxel"),
        (np.zeros((31, 9, 2)), r"shape \(31, 9, 2\)"),
        (np.zeros((0, 9)), r"shape \(0, 9\)"),
        (np.full((31, 9), b"x"), r"shape \(31, 9\) of \|S1"),
    ],
)
def test_data_of_another_form_are_refused_with_their_shape(lebel_folder, values, message):
    with pytest.raises(InputError, match=message):
        rewritten(lebel_folder, data=values).bold()


def test_a_group_in_the_place_of_data_is_refused(lebel_folder):
    response(lebel_folder).unlink()
    with h5py.File(response(lebel_folder), "w") as file:
        file.create_group("data")
    with pytest.raises(InputError, match="is a group"):
        _ = LebelDataset(lebel_folder).run("UTS01", "alpha").shape


@pytest.mark.parametrize("dtype", ["float64", "float16", "int16", ">f4"])
def test_numbers_of_any_kind_become_float32(lebel_folder, dtype):
    values = np.arange(31 * 9).reshape(31, 9).astype(dtype)
    bold = rewritten(lebel_folder, data=values).bold()
    assert bold.dtype == np.float32
    np.testing.assert_array_equal(bold, values.astype(np.float32))


def test_a_file_that_was_cut_or_damaged_inside_is_told_from_a_whole_one(lebel_folder):
    whole = response(lebel_folder).read_bytes()
    run = LebelDataset(lebel_folder).run("UTS01", "alpha")
    response(lebel_folder).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be read as HDF5"):
        run.bold()
    # The header is whole, a compressed block is not.
    path = response(lebel_folder)
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=np.random.default_rng(0).standard_normal((31, 9)), compression="gzip")
        offset = file["data"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[offset : offset + 40] = bytes(40)
    path.write_bytes(content)
    fresh = LebelDataset(lebel_folder).run("UTS01", "alpha")
    assert fresh.shape == (31, 9)
    with pytest.raises(InputError, match="is damaged: its data cannot be read"):
        fresh.bold()


def test_repeats_have_the_rows_and_voxels_of_their_average(lebel_folder):
    run = rewritten(lebel_folder, data=np.zeros((31, 9)), individual_repeats=np.zeros((2, 30, 9)))
    with pytest.raises(InputError, match=r"shape \(2, 30, 9\); expected repeats of the 31 rows and 9 voxels"):
        run.repeats()
    with pytest.raises(InputError, match="holds data; expected a dataset called individual_repeats"):
        rewritten(lebel_folder, data=np.zeros((31, 9))).repeats()
    with pytest.raises(InputError, match="expected 9 voxels"):
        LebelDataset(lebel_folder).run("UTS01", "wheretheressmoke").repeats(np.ones(8, dtype=bool))
