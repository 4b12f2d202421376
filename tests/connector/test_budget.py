"""The size of the state: what fits into it, and that nothing is lost where it does not."""

import json
import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug import Response

import sync
from models import Checkpoint, Truncate, Upsert
from state import budget, packing
from state.compression import compress, decompress
from state.packing import pack, unpack
from state.state import AccountState, State, parse_state
from streams import TABLES
from streams.registry import PARENTS
from tests.connector.big_state import GROUPS, TODAY, BigAccount
from tests.connector.scripted import DAY, ScriptedAccount, resource, run, run_deferring
from tests.loader import Loader
from tests.sandbox_server import KEY, run_sandbox

SANDBOX: dict[str, Any] = {
    "seed": 5, "now": "2026-11-16T15:00:00+00:00", "no_limits": True,
    "campaigns": 12, "profiles": 40,
}  # fmt: skip
SNAPSHOTS = "campaign_performance_daily"  # has a row for each day on which a row was written
ULID = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=26, max_size=26)


def reload_account(account: AccountState) -> tuple[AccountState, budget.StateBudget]:
    """The account as the next sync reads it, and the budget that its checkpoint was held to."""
    size = budget.StateBudget(parents=PARENTS)
    state = json.loads(json.dumps(size.dump(account.checkpoint()).state))
    assert len(json.dumps(state)) == size.size
    return parse_state(state, TABLES).accounts[account.account_id], size


class TestSize:
    """How much fits into 10 MB."""

    @pytest.mark.slow
    @pytest.mark.parametrize("part", [pytest.param(1, marks=pytest.mark.chaos), 10])
    def test_a_large_company_fits_below_10_mb(
        self, monkeypatch: pytest.MonkeyPatch, part: int
    ) -> None:
        """30,000 campaigns, 3,000 flow messages that send daily and 200,000 people.

        Every key, person and recipient is known, and every digest but those of days of
        `flow_performance_daily` that are older than half a year.
        """
        monkeypatch.setattr(budget, "MAX_STATE_SIZE", budget.MAX_STATE_SIZE // part)
        monkeypatch.setattr(packing, "MIN_PACKED_SIZE", packing.MIN_PACKED_SIZE // part)
        big = BigAccount(
            campaigns=30_000 // part, flow_messages=3_000 // part, people=200_000 // part
        )
        account, size = reload_account(big.state)
        assert size.size < budget.FIVETRAN_LIMIT // part
        assert size.blanked == {"flow_performance_daily"}
        for name, resource_state in big.state.resources.items():
            for table, digests in resource_state.digests.items():
                known = account.resources[name].digests[table]
                assert short_marks(known) == short_marks(digests), table
        reports = {name: report["fxuMLc"].digests for name, report in account.reports.items()}
        expected = {name: report["fxuMLc"].digests for name, report in big.state.reports.items()}
        half_a_year_ago = (TODAY - timedelta(days=180)).isoformat()
        for table, rows in expected.items():
            assert reports[table].keys() == rows.keys()
            for key, days in rows.items():
                kept = short_marks(days, since=half_a_year_ago)
                assert reports[table][key] == kept, table
        for bit, group in enumerate(GROUPS):
            people = {person for person, bits in big.members.items() if bits >> bit & 1}
            assert account.index.people(group) == people

    def test_the_keys_stay_where_no_digest_fits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Then every row is written again, but a deletion and a part of a send are noticed."""
        monkeypatch.setattr(budget, "MAX_STATE_SIZE", 1)
        big = BigAccount(campaigns=300, flow_messages=20, people=20)
        account, size = reload_account(big.state)
        (warning,) = size.warnings()
        assert "their rows are written again" in warning.message
        for name in ("campaign", "campaign_message", "flow"):
            for table, digests in big.state.resources[name].digests.items():
                known = account.resources[name].digests[table]
                assert known == dict.fromkeys(digests, budget.BLANK)
        known_sizes = account.reports["campaign_performance"]["fxuMLc"].digests
        for key, days in big.state.reports["campaign_performance"]["fxuMLc"].digests.items():
            assert known_sizes[key] == {"": budget.BLANK + days[""][8:]}

    @pytest.mark.parametrize("part", [pytest.param(1, marks=pytest.mark.chaos), 100])
    @pytest.mark.parametrize("codes", [650_000, 1_500_000])
    def test_codes_beyond_the_state_are_not_tracked(
        self, monkeypatch: pytest.MonkeyPatch, part: int, codes: int
    ) -> None:
        """The keys of 650,000 codes fit; of more, the state forgets them before any other row."""
        monkeypatch.setattr(budget, "MAX_STATE_SIZE", budget.MAX_STATE_SIZE // part)
        monkeypatch.setattr(budget, "FIVETRAN_LIMIT", budget.FIVETRAN_LIMIT // part)
        monkeypatch.setattr(packing, "MIN_PACKED_SIZE", packing.MIN_PACKED_SIZE // part)
        big = BigAccount(campaigns=10_000 // part, flow_messages=1, people=10)
        big.put_coupon_codes(codes // part)
        account, size = reload_account(big.state)
        assert size.size < budget.FIVETRAN_LIMIT
        known = account.resources["coupon_code"]
        if codes > 1_000_000:
            assert (known.digests, known.untracked) == ({}, {"coupon_code": codes // part})
            (warning,) = size.warnings()
            assert "with the rows of coupon_code left out" in warning.message
        else:
            assert len(known.digests["coupon_code"]) == codes // part
            assert known.untracked == {}
        assert len(account.resources["campaign"].digests["campaign"]) == 10_000 // part


def short_marks(marks: dict[str, str], since: str = "") -> dict[str, str]:
    """The marks as a large part holds them; of days before `since` without digest."""
    return {
        key: (mark[:4] if not key or key >= since else budget.BLANK) + mark[8:]
        for key, mark in marks.items()
    }


class TestNothingIsLost:
    """Syncs with a state beyond its budget."""

    @pytest.mark.slow
    def test_a_sync_with_a_state_over_the_budget_loses_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Over days with changes its tables equal those of a connection within the budget."""
        with run_sandbox(**SANDBOX) as sandbox:
            plain, squeezed = (
                Loader(sandbox.url, {"api_key": KEY, "tables": "reporting"}) for _ in range(2)
            )
            for _ in range(3):
                plain.sync()
                assert plain.warnings == []
                with monkeypatch.context() as patch:
                    patch.setattr(budget, "MAX_STATE_SIZE", 1)
                    patch.setattr(packing, "MIN_PACKED_SIZE", 1)
                    squeezed.sync()
                (warning,) = squeezed.warnings
                assert (
                    "of the 10 MB that Fivetran stores, with the digests of billing_usage_daily, b"
                    in warning
                )
                expected, tables = plain.content(), squeezed.content()
                assert expected.pop(SNAPSHOTS).keys() <= tables.pop(SNAPSHOTS).keys()
                assert tables == expected
                sandbox.advance(40 * 3_600)
            assert squeezed.written["tag"] > 0 == plain.written["tag"]

    def test_a_record_without_digest_is_still_deleted(
        self, account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What Klaviyo no longer lists is deleted, and what it lists is written again."""
        monkeypatch.setattr(budget, "MAX_STATE_SIZE", 1)
        account.documents["/api/tags"] = [resource("tag", id_, name=id_) for id_ in "ab"]
        first = run(tables="tag")
        account.documents["/api/tags"].pop()
        account.now += DAY
        second = run(first.state, tables="tag")
        assert [row["id"] for row in second.rows("tag")] == ["a"]
        assert [row["id"] for row in second.deleted_keys("tag")] == ["b"]

    def test_a_warning_comes_at_four_fifths(
        self, account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Below there is none, and nothing is left out before the limit itself."""
        account.documents["/api/tags"] = [resource("tag", id_, name=id_) for id_ in "ab"]
        first = run(tables="tag")
        assert first.warnings == []
        assert budget.WARNING_SIZE == 8_000_000
        size = len(json.dumps(first.state))
        monkeypatch.setattr(budget, "WARNING_SIZE", size)
        second = run(first.state, tables="tag")
        (warning,) = second.warnings
        assert "of the 10 MB that Fivetran stores; choose fewer tables" in warning
        assert second.rows("tag") == []
        monkeypatch.setattr(budget, "WARNING_SIZE", size + 1_000)
        assert run(first.state, tables="tag").warnings == []


CODES = "/api/coupon-codes"


class TestUntracked:
    """A table with more rows than the state can hold: codes of a coupon."""

    @pytest.fixture(name="coupons")
    def _coupons(
        self, account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> ScriptedAccount:
        """An account with a coupon of 40 codes, and a state with room for none."""
        monkeypatch.setattr(budget, "MAX_STATE_SIZE", 1)
        monkeypatch.setattr(budget, "FIVETRAN_LIMIT", 1)
        account.documents["/api/coupons"] = [resource("coupon", "SUMMER")]
        account.documents[CODES] = [resource("coupon-code", f"SUMMER-{n}") for n in range(40)]
        return account

    def test_every_listing_writes_all_rows(self, coupons: ScriptedAccount) -> None:
        """Without a loader that defers truncates no row is deleted, and a warning says so."""
        first = run(tables="coupon_code")
        assert "the rows of coupon_code left out" in first.warnings[0]
        del coupons.documents[CODES][0]
        coupons.now += DAY
        second = run(first.state, tables="coupon_code")
        assert (len(second.rows("coupon_code")), second.deleted_keys("coupon_code")) == (39, [])
        (warning,) = [warning for warning in second.warnings if warning.startswith("coupon_code: ")]
        assert "no longer lists are not deleted" in warning
        # Coupons name the listings of codes: their rows are always known.
        assert [row["id"] for row in second.rows("coupon")] == ["SUMMER"]

    def test_rows_that_are_not_written_are_deleted_with_the_sync(
        self, coupons: ScriptedAccount
    ) -> None:
        """A loader that defers truncates deletes the rows of codes that are gone."""
        first = run(tables="coupon_code")
        del coupons.documents[CODES][0]
        coupons.now += DAY
        second = run_deferring(first.state, tables="coupon_code")
        assert Truncate("coupon_code", deferred=True) in second.operations
        assert len(second.rows("coupon_code")) == 39
        third = run_deferring(second.state, tables="coupon_code")
        assert not [operation for operation in third.operations if isinstance(operation, Truncate)]

    def test_one_empty_answer_does_not_empty_the_table(self, coupons: ScriptedAccount) -> None:
        """The listing is read a second time before the loader deletes what is not written."""
        first = run(tables="coupon_code")
        coupons.now += DAY
        second = run_deferring(first.state, tables="coupon_code")  # knows how many there are
        coupons.now += DAY
        empty = iter([Response('{"data": [], "links": {"next": null}}')])
        coupons.responses[CODES] = lambda _: next(empty, None)
        third = run_deferring(second.state, tables="coupon_code")
        assert len(third.rows("coupon_code")) == 40

    @pytest.mark.parametrize("status", [403, 503])
    def test_a_failed_listing_fails_the_sync(self, coupons: ScriptedAccount, status: int) -> None:
        """The loader then does not truncate the table."""
        first = run(tables="coupon_code")
        coupons.now += DAY
        coupons.fail_with(CODES, status)
        done = run_deferring(first.state, tables="coupon_code")
        assert done.error is not None
        assert CODES in str(done.error)


class TestCheckpoints:
    """How often the state is handed to the loader, which logs it each time."""

    @pytest.mark.parametrize(("size", "checkpoints"), [(10, 42), (300_000, 16), (5_000_000, 4)])
    def test_a_large_state_has_fewer_checkpoints(self, size: int, checkpoints: int) -> None:
        """The states of a long sync have at most 500 bytes for each row, and the last one."""
        state = {"version": 1, "accounts": {"a": {"text": "x" * size}}}
        operations = (
            Checkpoint(state) if n % 100 == 0 else Upsert("tag", {}) for n in range(1, 45_201)
        )
        previous = State({}, {"version": 1, "accounts": {}})
        kept = list(sync.throttle_checkpoints(operations, previous))
        states = [operation.state for operation in kept if isinstance(operation, Checkpoint)]
        assert len(states) == checkpoints
        assert kept[-1] == Checkpoint(state)
        assert len(kept) - len(states) == 45_200 - 452


class TestPacking:
    """Large parts of the state take fewer characters and mean the same."""

    @settings(max_examples=50)
    @given(st.dictionaries(st.one_of(st.text(), ULID), st.lists(st.one_of(ULID, st.text()))))
    def test_compressed_text_is_restored(self, value: dict[str, list[str]]) -> None:
        """Any JSON comes back as it was, with ids at its edges, repeated and out of order."""
        for text in (json.dumps([value, value]), json.dumps(value, ensure_ascii=False)):
            assert decompress(compress(text)) == text

    def test_a_damaged_packed_part_is_a_value_error(self) -> None:
        """The parser of the state names the part; no damage is another error or a wrong key."""
        big = BigAccount(campaigns=40, flow_messages=2, people=200)
        json_of_campaigns = big.state.resources["campaign"].json
        assert unpack(pack(json_of_campaigns)) == json_of_campaigns
        packed = compress(json.dumps(json_of_campaigns))
        dice, refused = random.Random(3), 0
        for _ in range(300):
            at = dice.randrange(len(packed))
            damaged = packed[:at] + dice.choice("!az0") + packed[at + dice.randrange(2) :]
            try:
                unpack({"packed": damaged})
            except ValueError:
                refused += 1
        assert refused > 150
