"""The sandbox's API behaves as revision 2026-10-15 does: documents, pages, filters, refusals."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest
import requests

from klaviyo_sandbox.resources.declaration import Endpoint
from tests.sandbox.conftest import NOON
from tests.sandbox.reading import READS, at, refusal
from tests.sandbox_server import Sandbox, running_sandbox

SORTS = [
    (endpoint, sort)
    for endpoint in READS
    for sort in endpoint.sort.split()
    if "{id}" not in endpoint.path
]
LISTINGS = [endpoint for endpoint in READS if endpoint.shape == "list" and endpoint.page]


class TestPages:
    """Pages and their links."""

    @pytest.mark.parametrize("endpoint", LISTINGS, ids=lambda endpoint: endpoint.path)
    def test_pages_show_everything_once(self, sandbox: Sandbox, endpoint: Endpoint) -> None:
        """Small pages, followed to the end, show what large ones show, in the same order."""
        assert endpoint.page
        most = {"page[size]": endpoint.page.most} if endpoint.page.most else {}
        few = {"page[size]": 7} if endpoint.page.most else {}
        recent = {"filter": "greater-than(datetime,2026-11-20T00:00:00Z)"}
        more = recent if endpoint.kind == "event" else {}
        whole = [each["id"] for each in sandbox.all(endpoint.path, **more, **most)]
        assert whole == [each["id"] for each in sandbox.all(endpoint.path, **more, **few)]
        assert len(set(whole)) == len(whole) > 0

    @pytest.mark.parametrize("sort", ["datetime", "-datetime"])
    @pytest.mark.parametrize("path", ["/api/campaign-messages", "/api/events"])
    def test_previous_page_is_the_one_before(self, sandbox: Sandbox, path: str, sort: str) -> None:
        """links.prev leads back over the pages that links.next led to; the ends have none."""
        sort = sort if "events" in path else sort.replace("datetime", "created")
        first = sandbox.get(path, **{"page[size]": 5, "sort": sort})
        second = sandbox.get(first["links"]["next"])
        back = sandbox.get(second["links"]["prev"])
        assert back["data"] == first["data"] != second["data"]
        assert first["links"]["prev"] is None
        assert [page["links"]["next"] for page in sandbox.pages("/api/lists")][-1] is None

    @pytest.mark.parametrize(
        ("endpoint", "sort"), SORTS, ids=lambda each: getattr(each, "path", each)
    )
    def test_sorts_ascend_and_descend(
        self, sandbox: Sandbox, endpoint: Endpoint, sort: str
    ) -> None:
        """Each sort gives all items; with a minus it gives them backwards."""
        small = {"filter": "greater-than(datetime,2026-11-21T00:00:00Z)"}
        more = small if endpoint.kind == "event" else {}
        upwards = [each["id"] for each in sandbox.all(endpoint.path, sort=sort, **more)]
        downwards = [each["id"] for each in sandbox.all(endpoint.path, sort=f"-{sort}", **more)]
        assert upwards == downwards[::-1]

    def test_sort_is_by_the_value(self, sandbox: Sandbox) -> None:
        """Campaigns by updated_at come in the order of that attribute, archived ones too."""
        for archived in ("true", "false"):
            pages = sandbox.all(
                "/api/campaigns", sort="updated_at", filter=f"equals(archived,{archived})"
            )
            moments = [at(each["attributes"]["updated_at"]) for each in pages]
            assert len(moments) > 1
            assert moments == sorted(moments)

    @pytest.mark.parametrize("size", ["0", "101", "ten", "-1"])
    def test_page_size_has_bounds(self, sandbox: Sandbox, size: str) -> None:
        """A page size outside the endpoint's bounds is refused."""
        error = refusal(sandbox, f"/api/campaigns?page[size]={size}")
        assert error["source"] == {"parameter": "page[size]"}

    def test_page_size_is_not_for_every_endpoint(self, sandbox: Sandbox) -> None:
        """Metrics come 200 to a page and no other way."""
        assert refusal(sandbox, "/api/metrics?page[size]=10")["source"]["parameter"] == "page[size]"

    def test_cursor_serves_its_own_listing_only(self, sandbox: Sandbox) -> None:
        """A cursor of another endpoint or another sort, or no cursor at all, is refused."""
        page = sandbox.get("/api/campaigns", **{"page[size]": 1, "sort": "name"})
        cursor = page["links"]["next"].rpartition("=")[2]
        for path in (
            f"/api/flows?page[cursor]={cursor}",
            f"/api/campaigns?page[cursor]={cursor}",
            "/api/campaigns?page[cursor]=bm9uZQ",
            "/api/campaigns?page[cursor]=%00",
        ):
            assert refusal(sandbox, path)["detail"] == "Invalid cursor provided."

    def test_links_lead_to_the_asker_s_host(self, sandbox: Sandbox) -> None:
        """Links are full addresses on the host that was asked, with the question's parameters."""
        page = sandbox.get("/api/profiles", **{"page[size]": 2, "sort": "-updated"})
        for name in ("self", "next"):
            assert page["links"][name].startswith(f"{sandbox.url}/api/profiles?page%5Bsize%5D=2")


class TestDocuments:
    """What a resource shows."""

    def test_sparse_fields(self, sandbox: Sandbox) -> None:
        """A fieldset leaves only the fields it names, also below an attribute."""
        asked = {"fields[campaign]": "updated_at,definition.name"}
        for each in sandbox.get("/api/campaigns", **asked)["data"]:
            assert set(each["attributes"]) == {"updated_at", "definition"}
            assert set(each["attributes"]["definition"]) == {"name"}

    def test_include(self, sandbox: Sandbox) -> None:
        """Included resources are those that the relationships name, each once."""
        page = sandbox.get("/api/flows", include="flow-actions,tags")
        named = {
            (other["type"], other["id"])
            for each in page["data"]
            for name in ("flow-actions", "tags")
            for other in each["relationships"][name]["data"]
        }
        included = [(each["type"], each["id"]) for each in page["included"]]
        assert named == set(included)
        assert len(set(included)) == len(included)

    def test_data_of_many_only_when_included(self, sandbox: Sandbox) -> None:
        """A to-many relationship has links, and data only when it is included."""
        plain, full = (
            sandbox.get("/api/flows", **more)["data"][0]["relationships"]["flow-actions"]
            for more in ({}, {"include": "flow-actions"})
        )
        assert set(plain) == {"links"}
        assert full["data"]
        assert sandbox.get(plain["links"]["related"])["data"]

    def test_relationship_of_one_names_it(self, sandbox: Sandbox) -> None:
        """An event names its profile and its metric without being asked."""
        (event,) = sandbox.get("/api/events", **{"page[size]": 1})["data"]
        assert {"profile", "metric"} <= set(event["relationships"])
        assert event["relationships"]["metric"]["data"]["type"] == "metric"

    @pytest.mark.parametrize(
        ("path", "kind", "field"),
        [
            ("/api/profiles", "profile", "subscriptions"),
            ("/api/profiles", "profile", "predictive_analytics"),
            ("/api/flows/{}", "flow", "definition"),
            ("/api/lists/{}", "list", "profile_count"),
        ],
    )
    def test_additional_fields_wait_to_be_asked(
        self, sandbox: Sandbox, path: str, kind: str, field: str
    ) -> None:
        """An additional field is there when asked for, and only then."""
        path = path.format(sandbox.get(f"/api/{kind}s")["data"][0]["id"])
        for asked in (False, True):
            more = {f"additional-fields[{kind}]": field} if asked else {}
            data = sandbox.get(path, **more)["data"]
            attributes = (data[0] if isinstance(data, list) else data)["attributes"]
            assert (field in attributes) == asked

    def test_identifiers(self, sandbox: Sandbox) -> None:
        """A relationship's own endpoint gives type and id, nothing else."""
        (tag, *_) = sandbox.get("/api/tags")["data"]
        for each in sandbox.get(f"/api/tags/{tag['id']}/relationships/campaigns")["data"]:
            assert set(each) == {"type", "id"}
            assert each["type"] == "campaign"

    def test_members_of_a_group(self, sandbox: Sandbox) -> None:
        """A list's members come with the moment they joined, in that order."""
        asked = {"page[size]": 100, "sort": "joined_group_at"}
        lists = [f"/api/lists/{each['id']}" for each in sandbox.get("/api/lists")["data"]]
        by_list = {path: sandbox.all(f"{path}/profiles", **asked) for path in lists}
        path, members = max(by_list.items(), key=lambda item: len(item[1]))
        joined = [at(each["attributes"]["joined_group_at"]) for each in members]
        assert len(joined) > 10
        assert joined == sorted(joined)
        since = f"greater-or-equal(joined_group_at,{joined[5].isoformat()})"
        later = sandbox.all(f"{path}/relationships/profiles", filter=since)
        assert {each["id"] for each in later} == {
            each["id"] for each, moment in zip(members, joined, strict=True) if moment >= joined[5]
        }


class TestFilters:
    """The filter grammar."""

    def test_archived_campaigns_are_asked_for(self, sandbox: Sandbox) -> None:
        """Without a filter on it only campaigns that are not archived come."""
        unasked = sandbox.all("/api/campaigns")
        kept = sandbox.all("/api/campaigns", filter="equals(archived,false)")
        archived = sandbox.all("/api/campaigns", filter="equals(archived,true)")
        assert unasked == kept
        assert archived
        assert all(each["attributes"]["definition"]["archived"] for each in archived)

    @pytest.mark.parametrize(
        ("operator", "allowed"),
        [
            ("greater-than", lambda moment, bound: moment > bound),
            ("greater-or-equal", lambda moment, bound: moment >= bound),
            ("less-than", lambda moment, bound: moment < bound),
            ("less-or-equal", lambda moment, bound: moment <= bound),
        ],
    )
    @pytest.mark.parametrize("path", ["/api/campaign-messages", "/api/events"])
    def test_bounds(self, sandbox: Sandbox, path: str, operator: str, allowed: Any) -> None:
        """A bound keeps what it says, and what stands on it only if it says so."""
        field = "datetime" if "events" in path else "updated"
        more = {"page[size]": 40, "sort": f"-{field}"}
        if field == "datetime":
            more["filter"] = f"less-than(datetime,{at(NOON).replace(hour=6).isoformat()})"
        page = sandbox.get(path, **more)["data"]
        moments = [at(each["attributes"][field]) for each in page]
        bound = moments[20]
        more["filter"] = f"{operator}({field},{bound.isoformat()})"
        more["sort"] = field if operator.startswith("greater") else f"-{field}"
        found = [at(each["attributes"][field]) for each in sandbox.get(path, **more)["data"]]
        assert all(allowed(moment, bound) for moment in found)
        assert (bound in found) == operator.endswith("equal")

    def test_joined_by_and_or_by_comma(self, sandbox: Sandbox) -> None:
        """and(...) and a comma say the same, and both conditions hold."""
        name, after = 'contains(name,"e")', "greater-than(created,2026-01-01T00:00:00Z)"
        path = "/api/campaign-messages"
        by_comma = sandbox.all(path, filter=f"{name},{after}")
        by_and = sandbox.all(path, filter=f"and({name},{after})")
        assert by_comma == by_and
        assert by_comma
        for each in by_comma:
            assert "e" in each["attributes"]["definition"]["name"]
            assert at(each["attributes"]["created"]) > at("2026-01-01T00:00:00Z")

    def test_lists_and_quotes(self, sandbox: Sandbox) -> None:
        """any() takes a list; single and double quotes are the same."""
        ids = [each["id"] for each in sandbox.get("/api/flows")["data"]][:3]
        double = ",".join(f'"{id_}"' for id_ in ids)
        for values in (double, double.replace('"', "'")):
            found = sandbox.get("/api/flows", filter=f"any(id,[{values}])")["data"]
            assert {each["id"] for each in found} == set(ids)

    def test_events_of_a_metric(self, sandbox: Sandbox, metric_ids: dict[str, str]) -> None:
        """Events can be asked for by metric, and for those that have one."""
        asked = {"filter": f'equals(metric_id,"{metric_ids["Placed Order"]}")'}
        orders = sandbox.get("/api/events", **asked)["data"]
        metrics = {each["relationships"]["metric"]["data"]["id"] for each in orders}
        assert metrics == {metric_ids["Placed Order"]}
        known = sandbox.get("/api/events", filter="has(metric)", **{"page[size]": 1000})["data"]
        assert all(each["relationships"]["metric"]["data"] for each in known)

    def test_suppressed_people(self, sandbox: Sandbox) -> None:
        """Suppression can be asked for where it stands in a list below the attribute."""
        place = "subscriptions.email.marketing.suppression"
        asked = {
            "filter": f"greater-than({place}.timestamp,2025-01-01T00:00:00Z)",
            "additional-fields[profile]": "subscriptions",
        }
        found = sandbox.all("/api/profiles", **asked)
        assert found
        for each in found:
            assert each["attributes"]["subscriptions"]["email"]["marketing"]["suppression"]

    @pytest.mark.parametrize(
        "text",
        [
            "equals(colour,'red')",
            "greater-than(name,'a')",
            "equals(archived,maybe)",
            "equals(archived,'true'",
            "greater-than(created_at,yesterday)",
            "greater-than(created_at,2026-01-01T00:00:00+00:00)",  # not encoded: + is a blank
            "contains(name,unquoted)",
            "any(id,'x')",
            "contains(name)",
            "name",
            "contains(name,'a') or contains(name,'b')",
        ],
    )
    def test_what_is_no_filter_is_refused(self, sandbox: Sandbox, text: str) -> None:
        """A field, operator, value or form that the endpoint does not know is refused."""
        assert refusal(sandbox, f"/api/campaigns?filter={text}")["source"] == {
            "parameter": "filter"
        }

    @pytest.mark.parametrize("seconds", [-4, 0, 3600])
    def test_events_of_this_moment_are_refused(self, sandbox: Sandbox, seconds: int) -> None:
        """An event filter on a time of the last five seconds, or after now, is refused."""
        moment = at(NOON) + timedelta(seconds=seconds)
        stamp, text = round(moment.timestamp()), moment.astimezone(UTC).isoformat()[:19]
        for condition in (f"less-than(timestamp,{stamp})", f"less-than(datetime,{text}Z)"):
            error = refusal(sandbox, f"/api/events?filter={condition}")
            assert error["source"] == {"parameter": "filter"}
        assert sandbox.get("/api/events", filter=f"less-than(timestamp,{stamp - 4000})")


class TestRefusals:
    """What is refused, and how."""

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("include", "profiles"),
            ("sort", "colour"),
            ("fields[campaign]", "colour"),
            ("fields[flow]", "name"),
            ("additional-fields[campaign]", "definition"),
            ("page_cursor", "x"),
            ("colour", "red"),
        ],
    )
    def test_unknown_parameters(self, sandbox: Sandbox, parameter: str, value: str) -> None:
        """A parameter, or a value of one, that the endpoint does not know is named."""
        error = refusal(sandbox, f"/api/campaigns?{parameter}={value}")
        assert error["source"] == {"parameter": parameter}

    @pytest.mark.parametrize(
        "authorization", [None, "", "pk_sandbox_key", "Bearer pk_sandbox_key", "Klaviyo-API-Key no"]
    )
    def test_key_is_required(self, sandbox: Sandbox, authorization: str | None) -> None:
        """Without the scheme and a private key nothing is answered."""
        headers = {"Authorization": authorization}
        error = refusal(sandbox, "/api/accounts", 401, headers=headers)
        assert error["code"] in {"not_authenticated", "authentication_failed"}

    @pytest.mark.parametrize(
        ("revision", "status"),
        [
            (None, 400),
            ("2024-10-15", 410),
            ("2026-07-15", 400),
            ("2026-10-15.pre", 400),
            ("x", 400),
        ],
    )
    def test_revision_is_required(
        self, sandbox: Sandbox, revision: str | None, status: int
    ) -> None:
        """Only revision 2026-10-15 is spoken; one of two years ago is gone."""
        assert refusal(sandbox, "/api/accounts", status, headers={"revision": revision})

    def test_unknown_paths_ids_and_methods(self, sandbox: Sandbox) -> None:
        """What is not there is 404, what cannot be done 405 and names what can."""
        assert refusal(sandbox, "/api/nothing", 404)
        assert refusal(sandbox, "/api/flows/NONE", 404)
        assert refusal(sandbox, "/api/flows/NONE/flow-actions", 404)
        answer = sandbox.ask("DELETE", "/api/flows")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")

    def test_keys_and_scopes(self) -> None:
        """With keys given, no other is accepted, and a scope that a key lacks is named."""
        keys = ["pk_all_scopes", "pk_some:events:read,metrics:read"]
        with running_sandbox(campaigns=20, profiles=50, no_limits=True, api_key=keys) as sandbox:

            def status(key: str, path: str) -> int:
                headers = {"Authorization": f"Klaviyo-API-Key {key}"}
                return sandbox.ask("GET", path, headers=headers).status_code

            assert status("pk_all_scopes", "/api/campaigns") == 200
            assert status("pk_some", "/api/events") == 200
            assert status("pk_other_key", "/api/events") == 401
            headers = {"Authorization": "Klaviyo-API-Key pk_some"}
            error = refusal(sandbox, "/api/campaigns", 403, headers=headers)
            assert "campaigns:read" in error["detail"]

    def test_a_key_may_open_another_account(self) -> None:
        """Keys with seeds open accounts with limits of their own, whose clocks go together."""
        keys = ["pk_first", "pk_other@8", "pk_limited@8:tags:read"]
        options = {"campaigns": 20, "profiles": 50, "seed": 7, "now": "2026-11-01T00:00:00Z"}
        with running_sandbox(**options, api_key=keys) as sandbox:

            def account(key: str) -> requests.Response:
                headers = {"Authorization": f"Klaviyo-API-Key {key}"}
                return sandbox.ask("GET", "/api/accounts", headers=headers)

            answers = [account(key) for key in ("pk_first", "pk_other")]  # each allows one a second
            ids = [answer.json()["data"][0]["id"] for answer in answers]
            assert ids == sandbox.admin()["accounts"]
            assert len(set(ids)) == 2
            assert account("pk_limited").status_code == 403
            sandbox.advance(3_600)
            moved = [account(key).headers["date"] for key in ("pk_first", "pk_other")]
            assert moved == ["Sun, 01 Nov 2026 01:00:00 GMT"] * 2


class TestClock:
    """The admin's door."""

    def test_moving_the_clock_lets_things_happen(self) -> None:
        """Ten days on there are more events and more sent campaigns, and the Date says so."""
        with running_sandbox(campaigns=40, profiles=100, no_limits=True, now=NOON) as sandbox:
            before = sandbox.admin()["counts"]["event"]
            scheduled = sandbox.all("/api/campaign-messages", filter='equals(status,"scheduled")')
            sandbox.advance(30 * 86_400)
            after = sandbox.admin()["counts"]["event"]
            assert before < after
            assert "Mon, 21 Dec 2026" in sandbox.ask("GET", "/api/accounts").headers["date"]
            for each in scheduled:
                now = sandbox.get(f"/api/campaign-messages/{each['id']}")["data"]
                assert now["attributes"]["definition"]["status"] != "scheduled"
            answer = sandbox.session.post(f"{sandbox.url}/admin/clock", json={"now": NOON})
            assert answer.status_code == 400, "the clock never goes back"

    def test_edits(self) -> None:
        """A test can change a resource or delete it."""
        with running_sandbox(campaigns=20, profiles=50, no_limits=True, now=NOON) as sandbox:
            (first, second, *_) = sandbox.get("/api/lists")["data"]
            sandbox.edit("list", first["id"], {"name": "Renamed"})
            sandbox.edit("list", second["id"], None)
            renamed = sandbox.get(f"/api/lists/{first['id']}")["data"]["attributes"]
            assert renamed["name"] == "Renamed"
            assert second["id"] not in [each["id"] for each in sandbox.all("/api/lists")]
            assert sandbox.ask("GET", f"/api/lists/{second['id']}").status_code == 404

    def test_an_event_is_shown_when_it_is_told_to_be(self) -> None:
        """A late event can be made, one dated ahead, one that never shows, and all be undone."""
        with running_sandbox(campaigns=4, profiles=20, no_limits=True, now=NOON) as sandbox:

            def shown() -> list[str]:
                return [each["id"] for each in sandbox.all("/api/events")]

            before = shown()
            sandbox.move_to("2026-11-25T12:00:00+00:00")
            ahead = next(id_ for id_ in shown() if id_ not in before)
            sandbox.reset()
            sandbox.edit("event", ahead, {"seen": NOON})
            sandbox.edit("event", before[0], {"seen": "2026-11-22T12:00:00+00:00"})
            sandbox.edit("event", before[1], None)
            assert set(shown()) == {ahead, *before[2:]}
            sandbox.move_to("2026-11-22T12:00:00+00:00")
            assert before[0] in shown()
            sandbox.reset()
            assert shown() == before

    def test_it_starts_over(self) -> None:
        """Edits, the clock, faults and requests are as they were at the start."""
        with running_sandbox(campaigns=4, profiles=20, no_limits=True, now=NOON) as sandbox:
            before = sandbox.admin() | {"requests": {}}
            lists = sandbox.all("/api/lists")
            sandbox.edit("list", lists[0]["id"], None)
            sandbox.advance(86_400)
            sandbox.fault("500", path="flows")
            sandbox.reset()
            assert before == sandbox.admin()
            assert lists == sandbox.all("/api/lists")

    def test_requests_are_counted(self, sandbox: Sandbox) -> None:
        """The admin sees every request to the API, by path and by status."""
        before = sandbox.admin()["requests"].get("GET /api/tag-groups", {}).get("200", 0)
        sandbox.get("/api/tag-groups")
        assert sandbox.admin()["requests"]["GET /api/tag-groups"]["200"] == before + 1
        last = sandbox.log()[-1]
        assert (last["method"], last["path"], last["status"]) == ("GET", "/api/tag-groups", 200)
