"""New, changed and deleted profiles."""

from datetime import timedelta
from typing import Any

import pytest

from streams.catalog import PROFILE
from tests.connector.scripted import DAY, ScriptedAccount, ScriptedRun, resource, run

PATH = "/api/profiles"
JUNE, NOW = "2026-06-01T12:00:00+00:00", "2026-11-20T16:30:00+00:00"
PREDICTED = {"historic_clv": 12.5, "expected_date_of_next_order": "2026-12-24T00:00:00+00:00"}


@pytest.fixture(name="two_profiles")
def _two_profiles(account: ScriptedAccount) -> ScriptedAccount:
    """An account of two profiles, a and b, that have not changed for months."""
    account.documents[PATH] = [person("a"), person("b")]
    return account


def person(id_: str, updated: str = JUNE, **attributes: Any) -> Any:
    """A profile."""
    return resource("profile", id_, updated=updated, **attributes)


def list_written(done: ScriptedRun) -> list[str]:
    """The profiles that a sync wrote."""
    return sorted(row["id"] for row in done.rows("profile"))


def list_deleted(done: ScriptedRun) -> list[str]:
    """The profiles that a sync deleted."""
    return [keys["id"] for keys in done.deleted_keys("profile")]


class TestChanges:
    """New and changed profiles, by `updated`."""

    def test_only_changed_profiles_are_written_again(self, two_profiles: ScriptedAccount) -> None:
        """A change is written once, although the next sync's lookback reads it again."""
        first = run(tables="profile")
        two_profiles.documents[PATH][0] = person("a", NOW, first_name="Ada")
        second = run(first.state, tables="profile")
        third = run(second.state, tables="profile")
        assert [list_written(result) for result in (first, second, third)] == [
            ["a", "b"],
            ["a"],
            [],
        ]
        assert second.rows("profile")[0]["first_name"] == "Ada"

    def test_an_unchanged_account_costs_one_request(self, two_profiles: ScriptedAccount) -> None:
        """One request shows that nothing changed."""
        first = run(tables="profile")
        two_profiles.requests.clear()
        run(first.state, tables="profile")
        assert len(two_profiles.requests_to(PATH)) == 1

    def test_a_profile_listed_twice_is_written_twice(self, two_profiles: ScriptedAccount) -> None:
        """It changed while it was listed; the newer row is written last."""
        two_profiles.documents[PATH] = [person("a"), person("a", NOW, first_name="Ada")]
        rows = run(tables="profile").rows("profile")
        assert [row["first_name"] for row in rows] == [None, "Ada"]

    @pytest.mark.parametrize(
        "later", [timedelta(minutes=10), DAY], ids=["lookback", "daily lookback"]
    )
    def test_two_changes_in_one_second_are_both_written(
        self, two_profiles: ScriptedAccount, later: timedelta
    ) -> None:
        """The second one does not move `updated`, but the lookback finds it."""
        two_profiles.documents[PATH] = [person("b"), person("a", NOW, first_name="Ada")]
        first = run(tables="profile")
        two_profiles.documents[PATH][1] = person("a", NOW, first_name="Adele")
        two_profiles.now += later
        (row,) = run(first.state, tables="profile").rows("profile")
        assert row["first_name"] == "Adele"

    def test_a_profile_changed_before_klaviyo_does_not_end_the_sync(
        self, two_profiles: ScriptedAccount
    ) -> None:
        """A profile that changed in the year 1 is written by the comparison at the latest."""
        two_profiles.documents[PATH].insert(0, person("ancient", "0001-01-01T00:00:00+00:00"))
        first = run(tables="profile")
        two_profiles.now += DAY
        second = run(first.state, tables="profile")
        assert (first.error, second.error) == (None, None)
        assert "ancient" in list_written(first) + list_written(second)

    def test_the_state_holds_a_bounded_number_of_changes(
        self, two_profiles: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The latest changes are kept; others are at worst written again."""
        monkeypatch.setattr("streams.profiles.MAX_RECENT", 5)
        two_profiles.documents[PATH] = [
            person(str(n), f"2026-11-20T16:{n:02}:00+00:00") for n in range(40)
        ]
        first = run(tables="profile")
        second = run(first.state, tables="profile")
        assert len(list_written(first)) == 40
        assert 30 <= len(list_written(second)) <= 35
        assert "39" not in list_written(second)

    def test_start_date_excludes_unchanged_profiles(self, two_profiles: ScriptedAccount) -> None:
        """Not even the comparison writes the others."""
        two_profiles.documents[PATH].append(person("new", NOW))
        first = run(tables="profile", start_date="2026-11-01")
        two_profiles.now += DAY
        second = run(first.state, tables="profile", start_date="2026-11-01")
        assert [list_written(first), list_written(second), list_deleted(second)] == [
            ["new"],
            [],
            [],
        ]


class TestComparison:
    """Deleted and merged profiles, by a comparison of all ids."""

    def test_a_missing_profile_is_deleted_the_next_day(self, two_profiles: ScriptedAccount) -> None:
        """No other profile is written or deleted."""
        first = run(tables="profile")
        del two_profiles.documents[PATH][0]
        second = run(first.state, tables="profile")
        two_profiles.now += DAY
        third = run(second.state, tables="profile")
        two_profiles.now += DAY
        fourth = run(third.state, tables="profile")
        assert [list_deleted(result) for result in (second, third, fourth)] == [[], ["a"], []]
        assert list_written(second) == list_written(third) == list_written(fourth) == []

    def test_the_comparison_lists_only_ids_once_a_day(self, two_profiles: ScriptedAccount) -> None:
        """A hundred on a page, in the order of creation, which no change disturbs."""
        first = run(tables="profile")
        two_profiles.now += DAY
        two_profiles.requests.clear()
        second = run(first.state, tables="profile")
        run(second.state, tables="profile")
        params = {"fields[profile]": "created,updated", "sort": "created", "page[size]": "100"}
        assert [request.params for request in two_profiles.requests_to(PATH)].count(params) == 1

    def test_a_profile_that_was_listed_late_is_written(self, two_profiles: ScriptedAccount) -> None:
        """One that changed long ago, but was not listed then, is written with all columns."""
        first = run(tables="profile")
        two_profiles.documents[PATH] += [person(f"late{n}", first_name="Ada") for n in range(150)]
        two_profiles.now += DAY
        second = run(first.state, tables="profile")
        assert len(second.rows("profile")) == 150
        assert {row["first_name"] for row in second.rows("profile")} == {"Ada"}

    def test_a_first_sync_compares_nothing(self, two_profiles: ScriptedAccount) -> None:
        """It reads all profiles anyway."""
        run(tables="profile")
        orders = {request.params["sort"] for request in two_profiles.requests_to(PATH)}
        assert orders == {"updated"}

    def test_profiles_beyond_the_size_of_the_state_are_a_warning(
        self, two_profiles: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They are written, but none is found to be deleted, and the warning says so."""
        monkeypatch.setattr("sync.MAX_INDEX_LENGTH", 100)
        monkeypatch.setattr("state.membership_index.MIN_CHANGES_TO_PACK", 10)
        two_profiles.documents[PATH] = [person(f"{number:026}") for number in range(40)]
        first = run(tables="profile")
        two_profiles.documents[PATH].clear()
        two_profiles.now += DAY
        second = run(first.state, tables="profile")
        assert len(list_written(first)) == 40
        assert list_deleted(second) == []
        for done in (first, second):
            assert "people who leave the account are not deleted" in done.warnings[0]


class TestColumns:
    """The columns of a profile."""

    def test_each_channel_has_columns_of_consent(self, two_profiles: ScriptedAccount) -> None:
        """Klaviyo names the verdict differently in each channel, and times have a space."""

        def consent(verdict: str) -> dict[str, Any]:
            return {
                "consent": "SUBSCRIBED",
                "consent_timestamp": "2026-06-23 00:15:23.918411+00:00",
                verdict: True,
            }

        two_profiles.documents[PATH] = [
            person(
                "a",
                subscriptions={
                    "email": {"marketing": consent("can_receive_email_marketing")},
                    "sms": {
                        "marketing": consent("can_receive_sms_marketing"),
                        "transactional": consent("can_receive_sms_transactional"),
                    },
                    "mobile_push": {"marketing": consent("can_receive_push_marketing")},
                    "whatsapp": dict.fromkeys(
                        ("marketing", "transactional", "conversational"), consent("can_receive")
                    ),
                },
            )
        ]
        (row,) = run(tables="profile").rows("profile")
        consents = {name: row[name] for name in row if "_consent" in name or "_can_" in name}
        assert len(consents) == 7 * 3
        assert {str(value) for value in consents.values()} == {
            "SUBSCRIBED",
            "2026-06-23T00:15:23.918411Z",
            "True",
        }

    def test_predictions_are_requested_only_where_they_are_chosen(
        self, two_profiles: ScriptedAccount
    ) -> None:
        """With them Klaviyo allows a fifth of the requests; without them they are NULL."""
        run(tables="all")
        extra = {
            request.params.get("additional-fields[profile]")
            for request in two_profiles.requests_to(PATH)
        }
        assert extra <= {"subscriptions", None}
        two_profiles.documents[PATH] = [person("a", predictive_analytics=PREDICTED)]
        (row,) = run(tables="predictive_analytics").rows("profile")
        assert row["historic_clv"] == 12.5
        assert row["expected_date_of_next_order"] == "2026-12-24T00:00:00.000000Z"

    def test_predictions_chosen_later_are_backfilled(self, two_profiles: ScriptedAccount) -> None:
        """Unchanged profiles are requested once more, and only once."""
        first = run(tables="profile")
        assert {row["historic_clv"] for row in first.rows("profile")} == {None}
        two_profiles.documents[PATH] = [person(id_, predictive_analytics=PREDICTED) for id_ in "ab"]
        second = run(first.state, tables="predictive_analytics")
        third = run(second.state, tables="predictive_analytics")
        assert [row["historic_clv"] for row in second.rows("profile")] == [12.5, 12.5]
        assert third.rows("profile") == []

    def test_attributes_without_a_column_are_kept_as_json(
        self, two_profiles: ScriptedAccount
    ) -> None:
        """Custom properties and subscriptions have a JSON column each."""
        two_profiles.documents[PATH] = [
            person("a", properties={"Size": "M"}, subscriptions={"email": {}})
        ]
        (row,) = run(tables="profile").rows("profile")
        assert (row["properties"], row["subscriptions"]) == ({"Size": "M"}, {"email": {}})
        assert list(row) == list(PROFILE.types)
