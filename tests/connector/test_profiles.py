"""Profiles: who changed and who was erased."""

from datetime import timedelta
from typing import Any

import pytest

from streams.catalog import PROFILE
from tests.connector.scripted import DAY, ScriptedAccount, ScriptedRun, resource, run

PATH = "/api/profiles"
JUNE, NOW = "2026-06-01T12:00:00+00:00", "2026-11-20T16:30:00+00:00"
PREDICTED = {"historic_clv": 12.5, "expected_date_of_next_order": "2026-12-24T00:00:00+00:00"}


@pytest.fixture(name="shop")
def _shop(account: ScriptedAccount) -> ScriptedAccount:
    """An account of two people, a and b, who have not changed for months."""
    account.documents[PATH] = [person("a"), person("b")]
    return account


def person(id_: str, updated: str = JUNE, **attributes: Any) -> Any:
    """A profile."""
    return resource("profile", id_, updated=updated, **attributes)


def written(done: ScriptedRun) -> list[str]:
    """Who was written."""
    return sorted(row["id"] for row in done.rows("profile"))


def erased(done: ScriptedRun) -> list[str]:
    """Who was deleted."""
    return [keys["id"] for keys in done.deleted("profile")]


class TestChanges:
    """By `updated`."""

    def test_everybody_comes_first_and_then_only_who_changed(self, shop: ScriptedAccount) -> None:
        """Also where the next sync looks back at the same change: it is written once."""
        first = run(tables="profile")
        shop.documents[PATH][0] = person("a", NOW, first_name="Ada")
        second = run(first.state, tables="profile")
        third = run(second.state, tables="profile")
        assert [written(one) for one in (first, second, third)] == [["a", "b"], ["a"], []]
        assert second.rows("profile")[0]["first_name"] == "Ada"

    def test_an_unchanged_account_costs_one_request(self, shop: ScriptedAccount) -> None:
        """It writes nothing, and one question shows that there is nothing."""
        first = run(tables="profile")
        shop.requests.clear()
        assert written(run(first.state, tables="profile")) == []
        assert len(shop.requests_to(PATH)) == 1

    def test_of_two_changes_in_one_sync_both_are_written(self, shop: ScriptedAccount) -> None:
        """D3: a profile that changes while it is listed comes twice; the newer row stays."""
        shop.documents[PATH] = [person("a"), person("a", NOW, first_name="Ada")]
        rows = run(tables="profile").rows("profile")
        assert [row["first_name"] for row in rows] == [None, "Ada"]

    @pytest.mark.parametrize("later", [timedelta(minutes=10), DAY], ids=["hot", "cold"])
    def test_two_changes_in_one_second_are_told_apart(
        self, shop: ScriptedAccount, later: timedelta
    ) -> None:
        """The second one does not move `updated`; looking back finds it all the same."""
        shop.documents[PATH] = [person("b"), person("a", NOW, first_name="Ada")]
        first = run(tables="profile")
        shop.documents[PATH][1] = person("a", NOW, first_name="Adele")
        shop.now += later
        (row,) = run(first.state, tables="profile").rows("profile")
        assert row["first_name"] == "Adele"

    def test_a_profile_changed_before_klaviyo_does_not_end_the_sync(
        self, shop: ScriptedAccount
    ) -> None:
        """V4: a profile that changed in the year 1 is written by the comparison at the latest."""
        shop.documents[PATH].insert(0, person("ancient", "0001-01-01T00:00:00+00:00"))
        first = run(tables="profile")
        shop.now += DAY
        second = run(first.state, tables="profile")
        assert (first.error, second.error) == (None, None)
        assert "ancient" in written(first) + written(second)

    def test_what_looking_back_remembers_is_bounded(
        self, shop: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of many changes the latest are remembered; the others are at worst written again."""
        monkeypatch.setattr("streams.profiles.MAX_RECENT", 5)
        shop.documents[PATH] = [person(str(n), f"2026-11-20T16:{n:02}:00+00:00") for n in range(40)]
        first = run(tables="profile")
        second = run(first.state, tables="profile")
        assert len(written(first)) == 40
        assert 30 <= len(written(second)) <= 35
        assert "39" not in written(second)

    def test_start_date_limits_them_to_those_who_changed_since(self, shop: ScriptedAccount) -> None:
        """Not even the comparison brings the others."""
        shop.documents[PATH].append(person("new", NOW))
        first = run(tables="profile", start_date="2026-11-01")
        shop.now += DAY
        second = run(first.state, tables="profile", start_date="2026-11-01")
        assert [written(first), written(second), erased(second)] == [["new"], [], []]


class TestComparison:
    """By id."""

    def test_who_was_erased_is_deleted_the_next_day(self, shop: ScriptedAccount) -> None:
        """D9: and nobody else is written or deleted."""
        first = run(tables="profile")
        del shop.documents[PATH][0]
        second = run(first.state, tables="profile")
        shop.now += DAY
        third = run(second.state, tables="profile")
        shop.now += DAY
        fourth = run(third.state, tables="profile")
        assert [erased(one) for one in (second, third, fourth)] == [[], ["a"], []]
        assert written(second) == written(third) == written(fourth) == []

    def test_only_ids_are_listed(self, shop: ScriptedAccount) -> None:
        """A hundred on a page, in an order that no change disturbs."""
        first = run(tables="profile")
        shop.now += DAY
        shop.requests.clear()
        run(first.state, tables="profile")
        asked = {"fields[profile]": "updated", "sort": "id", "page[size]": "100"}
        assert asked in [one.params for one in shop.requests_to(PATH)]

    def test_whom_klaviyo_showed_late_is_found(self, shop: ScriptedAccount) -> None:
        """Somebody who changed long ago, but was not listed then, is written whole."""
        first = run(tables="profile")
        shop.documents[PATH] += [person(f"late{n}", first_name="Ada") for n in range(150)]
        shop.now += DAY
        second = run(first.state, tables="profile")
        assert len(second.rows("profile")) == 150
        assert {row["first_name"] for row in second.rows("profile")} == {"Ada"}

    def test_a_first_sync_compares_nothing(self, shop: ScriptedAccount) -> None:
        """It has just listed everybody."""
        run(tables="profile")
        assert not [one for one in shop.requests_to(PATH) if one.params.get("sort") == "id"]

    def test_people_beyond_what_the_state_can_hold_are_a_warning(
        self, shop: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They are written, but nobody is found to be erased, and the user is told."""
        monkeypatch.setattr("sync.MAX_INDEX_LENGTH", 100)
        monkeypatch.setattr("state.membership_index.MIN_CHANGES_TO_PACK", 10)
        shop.documents[PATH] = [person(f"{number:026}") for number in range(40)]
        first = run(tables="profile")
        shop.documents[PATH].clear()
        shop.now += DAY
        second = run(first.state, tables="profile")
        assert len(written(first)) == 40
        assert erased(second) == []
        for done in (first, second):
            assert "nobody who leaves the account is deleted" in done.warnings[0]


class TestColumns:
    """What a row holds."""

    def test_every_channel_s_consent_has_its_columns(self, shop: ScriptedAccount) -> None:
        """Klaviyo names the verdict differently for each channel; space-separated times too."""

        def consent(verdict: str) -> dict[str, Any]:
            return {
                "consent": "SUBSCRIBED",
                "consent_timestamp": "2026-06-23 00:15:23.918411+00:00",
                verdict: True,
            }

        shop.documents[PATH] = [
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

    def test_subscriptions_are_always_asked_for_and_predictions_only_on_request(
        self, shop: ScriptedAccount
    ) -> None:
        """Predictions would make Klaviyo answer a fifth as often; without them they are NULL."""
        run(tables="all")
        extra = {one.params.get("additional-fields[profile]") for one in shop.requests_to(PATH)}
        assert extra <= {"subscriptions", None}
        shop.documents[PATH] = [person("a", predictive_analytics=PREDICTED)]
        (row,) = run(tables="predictive_analytics").rows("profile")
        assert row["historic_clv"] == 12.5
        assert row["expected_date_of_next_order"] == "2026-12-24T00:00:00.000000Z"

    def test_choosing_predictions_later_brings_those_of_everybody(
        self, shop: ScriptedAccount
    ) -> None:
        """Unchanged profiles are asked for once more, and only once."""
        first = run(tables="profile")
        assert {row["historic_clv"] for row in first.rows("profile")} == {None}
        shop.documents[PATH] = [person(one, predictive_analytics=PREDICTED) for one in "ab"]
        second = run(first.state, tables="predictive_analytics")
        third = run(second.state, tables="predictive_analytics")
        assert [row["historic_clv"] for row in second.rows("profile")] == [12.5, 12.5]
        assert third.rows("profile") == []

    def test_the_whole_answer_is_kept(self, shop: ScriptedAccount) -> None:
        """What has no column of its own stands in two columns of JSON."""
        shop.documents[PATH] = [person("a", properties={"Size": "M"}, subscriptions={"email": {}})]
        (row,) = run(tables="profile").rows("profile")
        assert (row["properties"], row["subscriptions"]) == ({"Size": "M"}, {"email": {}})
        assert list(row) == list(PROFILE.types)
