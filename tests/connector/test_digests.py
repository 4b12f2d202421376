"""How the connector knows which rows changed, which are gone, and which are complete."""

from state.digests import LargestRows, RowDigests, digest, is_mass_deletion


class TestRowDigests:
    """A row is written when it changed, and deleted when a full listing no longer shows it."""

    def test_an_unchanged_row_is_not_written_again(self) -> None:
        """A row is changed at first, and again each time any column changes; order is no change."""
        rows = RowDigests({})
        assert rows.record_change("k", {"a": 1, "b": None})
        assert not rows.record_change("k", {"b": None, "a": 1})
        assert rows.record_change("k", {"a": 1, "b": 0})
        assert not RowDigests(rows.digests).record_change("k", {"a": 1, "b": 0})

    def test_a_digest_is_that_of_earlier_versions(self) -> None:
        """The state holds digests of earlier versions: another form would rewrite every row."""
        assert digest({"id": "01KS", "count": 3, "tags": ["a", None], "rate": 0.5}) == "8wRTXAKe"

    def test_only_unseen_keys_are_missing(self) -> None:
        """A written key that is not seen is popped once; a seen one stays."""
        rows = RowDigests({"old": digest("x"), "kept": digest("y")})
        rows.record_change("kept", {})
        rows.record_change("new", {})
        assert rows.pop_missing(lambda key: key != "old") == []
        assert rows.find_missing() == ["old"]
        assert rows.pop_missing() == ["old"]
        assert rows.pop_missing() == []
        assert set(rows.digests) == {"kept", "new"}

    def test_the_given_state_is_not_changed(self) -> None:
        """The loader may still hold the state of the last checkpoint."""
        known = {"k": digest("x")}
        rows = RowDigests(known)
        rows.record_change("k", {"a": 1})
        rows.pop_missing(lambda _: True)
        assert known == {"k": digest("x")}


class TestMassDeletion:
    """The user is warned of deletions that are many, and a large share."""

    def test_more_than_ten_rows_and_a_tenth_are_a_mass_deletion(self) -> None:
        """Eleven of a hundred rows are; ten of any number, and eleven of 110, are not."""
        assert is_mass_deletion(11, 100)
        assert not is_mass_deletion(10, 10)
        assert not is_mass_deletion(11, 110)


class TestLargestRows:
    """A send that windows cut in two keeps the row with all its recipients."""

    def test_a_partial_row_does_not_replace_a_complete_one(self) -> None:
        """The largest row of one sync is kept, however often it is restated."""
        rows = LargestRows({})
        sizes = [100, 30, 100, 200]
        assert [rows.record_size("k", size, window_is_complete=True) for size in sizes] == [
            True, False, True, True,
        ]  # fmt: skip

    def test_only_a_complete_window_shrinks_a_row_of_an_earlier_sync(self) -> None:
        """Klaviyo may count fewer recipients than before; a cut window never shows that."""
        rows = LargestRows({"k": 200})
        assert not rows.record_size("k", 100, window_is_complete=False)
        assert not rows.record_size("k", 100, window_is_complete=True)  # not the first any more
        later = LargestRows({"k": 200})
        assert later.record_size("k", 100, window_is_complete=True)
        assert later.sizes == {"k": 100}
        assert rows.sizes == {"k": 200}

    def test_rows_of_different_keys_do_not_meet(self) -> None:
        """A small send is complete beside a large one."""
        rows = LargestRows({"large": 200})
        assert rows.record_size("small", 1, window_is_complete=False)
