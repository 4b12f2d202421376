"""The sandbox's API behaves as revision 2026-10-15 does: documents, pages, filters, errors."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any

import pytest
import requests

from tests.sandbox.conftest import NOON
from tests.sandbox.endpoint_samples import GET_ENDPOINTS, get_error, parse_time, sample_query
from tests.sandbox_server import Sandbox, run_sandbox

PAGINATED = [endpoint for endpoint in GET_ENDPOINTS if endpoint.shape == "list" and endpoint.page]
DAY = 86_400


def list_ids(sandbox: Sandbox, path: str, **parameters: Any) -> list[str]:
    """Return the ids of a listing, page by page; of events only the most recent ones."""
    if path == "/api/events":
        parameters["filter"] = "greater-than(datetime,2026-11-21T00:00:00Z)"
    return [record["id"] for record in sandbox.all(path, **parameters)]


class TestPages:
    """Pages and their links."""

    def test_pages_show_everything_once(self, sandbox: Sandbox) -> None:
        """Small pages, followed to the end, show the same as large ones, in the same order."""
        for endpoint in PAGINATED:
            assert endpoint.page
            largest, query = endpoint.page.maximum, sample_query(endpoint)
            large, small = (
                list_ids(sandbox, endpoint.path, **query, **({"page[size]": size} if size else {}))
                for size in (largest, largest and min(largest, 7))
            )
            assert large == small, endpoint.path
            assert len(set(large)) == len(large) > 0, endpoint.path

    def test_previous_page_is_the_one_before(self, sandbox: Sandbox) -> None:
        """links.prev leads back over the pages of links.next; both are null at the ends."""
        messages, events = "/api/campaign-messages", "/api/events"
        sorts = [(messages, "created"), (messages, "-created")]
        for path, sort in [*sorts, (events, "datetime"), (events, "-datetime")]:
            first = sandbox.get(path, **{"page[size]": 5, "sort": sort})
            second = sandbox.get(first["links"]["next"])
            back = sandbox.get(second["links"]["prev"])
            assert back["data"] == first["data"] != second["data"], sort
            assert first["links"]["prev"] is None, sort
        assert [page["links"]["next"] for page in sandbox.pages("/api/lists")][-1] is None

    def test_sorts_ascend_and_descend(self, sandbox: Sandbox) -> None:
        """Each sort lists all items; with a minus it lists them in the opposite order."""
        offenders = []
        for endpoint in GET_ENDPOINTS:
            for sort in endpoint.sort.split() if endpoint.shape == "list" else ():
                ascending = list_ids(sandbox, endpoint.path, sort=sort)
                descending = list_ids(sandbox, endpoint.path, sort=f"-{sort}")
                if ascending != descending[::-1] or not ascending:
                    offenders.append((endpoint.path, sort))
        assert offenders == []

    def test_sort_is_by_the_value(self, sandbox: Sandbox) -> None:
        """Campaigns sorted by updated_at ascend by that attribute, archived ones too."""
        for archived in ("true", "false"):
            campaigns = sandbox.all(
                "/api/campaigns", sort="updated_at", filter=f"equals(archived,{archived})"
            )
            moments = [parse_time(campaign["attributes"]["updated_at"]) for campaign in campaigns]
            assert len(moments) > 1
            assert moments == sorted(moments)

    def test_page_size_has_bounds(self, sandbox: Sandbox) -> None:
        """A page size outside the endpoint's bounds is refused."""
        for size in ("0", "101", "ten", "-1"):
            error = get_error(sandbox, f"/api/campaigns?page[size]={size}")
            assert error["source"] == {"parameter": "page[size]"}

    def test_page_size_is_not_for_every_endpoint(self, sandbox: Sandbox) -> None:
        """The page size of metrics is fixed."""
        error = get_error(sandbox, "/api/metrics?page[size]=10")
        assert error["source"] == {"parameter": "page[size]"}

    def test_cursor_belongs_to_its_listing(self, sandbox: Sandbox) -> None:
        """A cursor of another endpoint or sort, and a malformed cursor, are refused."""
        page = sandbox.get("/api/campaigns", **{"page[size]": 1, "sort": "name"})
        cursor = page["links"]["next"].rpartition("=")[2]
        for path in (
            f"/api/flows?page[cursor]={cursor}",
            f"/api/campaigns?page[cursor]={cursor}",
            "/api/campaigns?page[cursor]=bm9uZQ",
            "/api/campaigns?page[cursor]=%00",
        ):
            assert get_error(sandbox, path)["detail"] == "Invalid cursor provided."

    def test_links_lead_to_the_clients_host(self, sandbox: Sandbox) -> None:
        """Links are full addresses on the requested host, with the request's parameters."""
        page = sandbox.get("/api/profiles", **{"page[size]": 2, "sort": "-updated"})
        for name in ("self", "next"):
            assert page["links"][name].startswith(f"{sandbox.url}/api/profiles?page%5Bsize%5D=2")


class TestDocuments:
    """The content of a resource."""

    def test_sparse_fields(self, sandbox: Sandbox) -> None:
        """A fieldset leaves only the fields it names, also below an attribute."""
        parameters = {"fields[campaign]": "updated_at,definition.name"}
        for record in sandbox.get("/api/campaigns", **parameters)["data"]:
            assert set(record["attributes"]) == {"updated_at", "definition"}
            assert set(record["attributes"]["definition"]) == {"name"}

    def test_include(self, sandbox: Sandbox) -> None:
        """The included resources are those of the relationships, each once."""
        page = sandbox.get("/api/flows", include="flow-actions,tags")
        related = {
            (other["type"], other["id"])
            for record in page["data"]
            for name in ("flow-actions", "tags")
            for other in record["relationships"][name]["data"]
        }
        included = [(record["type"], record["id"]) for record in page["included"]]
        assert related == set(included)
        assert len(set(included)) == len(included)

    def test_to_many_data_only_when_included(self, sandbox: Sandbox) -> None:
        """A to-many relationship has links, and data only when it is included."""
        plain, full = (
            sandbox.get("/api/flows", **parameters)["data"][0]["relationships"]["flow-actions"]
            for parameters in ({}, {"include": "flow-actions"})
        )
        assert set(plain) == {"links"}
        assert full["data"]
        assert sandbox.get(plain["links"]["related"])["data"]

    def test_to_one_data_always(self, sandbox: Sandbox) -> None:
        """An event names its profile and its metric without an include."""
        (event,) = sandbox.get("/api/events", **{"page[size]": 1})["data"]
        assert {"profile", "metric"} <= set(event["relationships"])
        assert event["relationships"]["metric"]["data"]["type"] == "metric"

    def test_additional_fields_on_request(self, sandbox: Sandbox) -> None:
        """An additional field is shown on request, and only then."""
        flow, list_ = (sandbox.get(path)["data"][0]["id"] for path in ("/api/flows", "/api/lists"))
        for path, resource_type, field in [
            ("/api/profiles", "profile", "subscriptions"),
            ("/api/profiles", "profile", "predictive_analytics"),
            (f"/api/flows/{flow}", "flow", "definition"),
            (f"/api/lists/{list_}", "list", "profile_count"),
        ]:
            for query in ({}, {f"additional-fields[{resource_type}]": field}):
                data = sandbox.get(path, **query)["data"]
                attributes = (data[0] if isinstance(data, list) else data)["attributes"]
                assert (field in attributes) == bool(query), field

    def test_identifiers(self, sandbox: Sandbox) -> None:
        """The endpoint of a relationship gives type and id, nothing else."""
        (tag, *_) = sandbox.get("/api/tags")["data"]
        for record in sandbox.get(f"/api/tags/{tag['id']}/relationships/campaigns")["data"]:
            assert set(record) == {"type", "id"}
            assert record["type"] == "campaign"

    def test_tags_of_lists_and_segments(self, sandbox: Sandbox) -> None:
        """Listings of lists and segments include their tags, which equal those of the tags."""
        for owner in ("list", "segment"):
            pages = list(sandbox.pages(f"/api/{owner}s", include="tags"))
            of_owners = {
                (record["id"], tag["id"])
                for page in pages
                for record in page["data"]
                for tag in record["relationships"]["tags"]["data"]
            }
            of_tags = {
                (record["id"], tag["id"])
                for tag in sandbox.all("/api/tags")
                for record in sandbox.get(f"/api/tags/{tag['id']}/relationships/{owner}s")["data"]
            }
            assert of_owners == of_tags
            assert of_owners
            included = {record["id"] for page in pages for record in page.get("included", ())}
            assert included == {tag for _, tag in of_owners}

    def test_members_of_a_group(self, sandbox: Sandbox) -> None:
        """The members of a list have their time of joining, and are sorted and filtered by it."""
        parameters = {"page[size]": 100, "sort": "joined_group_at"}
        lists = [f"/api/lists/{record['id']}" for record in sandbox.get("/api/lists")["data"]]
        by_list = {path: sandbox.all(f"{path}/profiles", **parameters) for path in lists}
        path, members = max(by_list.items(), key=lambda item: len(item[1]))
        join_times = [parse_time(member["attributes"]["joined_group_at"]) for member in members]
        assert len(join_times) > 10
        assert join_times == sorted(join_times)
        since = join_times[5]
        later = sandbox.all(
            f"{path}/relationships/profiles",
            filter=f"greater-or-equal(joined_group_at,{since.isoformat()})",
        )
        expected = {
            member["id"] for member, at in zip(members, join_times, strict=True) if at >= since
        }
        assert {record["id"] for record in later} == expected


class TestFilters:
    """The filter grammar."""

    def test_archived_campaigns_on_request(self, sandbox: Sandbox) -> None:
        """Without a filter on ``archived`` only campaigns that are not archived are listed."""
        default = sandbox.all("/api/campaigns")
        unarchived = sandbox.all("/api/campaigns", filter="equals(archived,false)")
        archived = sandbox.all("/api/campaigns", filter="equals(archived,true)")
        assert default == unarchived
        assert archived
        assert all(record["attributes"]["definition"]["archived"] for record in archived)

    @pytest.mark.parametrize(
        ("path", "field"), [("/api/campaign-messages", "updated"), ("/api/events", "datetime")]
    )
    def test_bounds(self, sandbox: Sandbox, path: str, field: str) -> None:
        """A bound keeps the items on its side, and those on it only if it says so."""
        operators = {
            "greater-than": operator.gt,
            "greater-or-equal": operator.ge,
            "less-than": operator.lt,
            "less-or-equal": operator.le,
        }
        parameters: dict[str, Any] = {"page[size]": 40, "sort": f"-{field}"}
        if field == "datetime":
            early = parse_time(NOON).replace(hour=6).isoformat()
            parameters["filter"] = f"less-than(datetime,{early})"
        page = sandbox.get(path, **parameters)["data"]
        bound = parse_time(page[20]["attributes"][field])
        for name, compare in operators.items():
            parameters["filter"] = f"{name}({field},{bound.isoformat()})"
            parameters["sort"] = field if name.startswith("greater") else f"-{field}"
            page = sandbox.get(path, **parameters)["data"]
            moments = [parse_time(record["attributes"][field]) for record in page]
            assert all(compare(moment, bound) for moment in moments), name
            assert (bound in moments) == name.endswith("equal"), name

    def test_conjunction_by_and_or_by_comma(self, sandbox: Sandbox) -> None:
        """and(...) and a comma mean the same, and both conditions hold."""
        name, after = 'contains(name,"e")', "greater-than(created,2026-01-01T00:00:00Z)"
        path = "/api/campaign-messages"
        by_comma = sandbox.all(path, filter=f"{name},{after}")
        by_and = sandbox.all(path, filter=f"and({name},{after})")
        assert by_comma == by_and
        assert by_comma
        for record in by_comma:
            assert "e" in record["attributes"]["definition"]["name"]
            created = parse_time(record["attributes"]["created"])
            assert created > parse_time("2026-01-01T00:00:00Z")

    def test_lists_and_quotes(self, sandbox: Sandbox) -> None:
        """any() takes a list; single and double quotes mean the same."""
        ids = [record["id"] for record in sandbox.get("/api/flows")["data"]][:3]
        double = ",".join(f'"{id_}"' for id_ in ids)
        for values in (double, double.replace('"', "'")):
            flows = sandbox.get("/api/flows", filter=f"any(id,[{values}])")["data"]
            assert {flow["id"] for flow in flows} == set(ids)

    def test_events_of_a_metric(self, sandbox: Sandbox, metric_ids: dict[str, str]) -> None:
        """Events can be filtered by metric, and by whether they have one."""
        parameters = {"filter": f'equals(metric_id,"{metric_ids["Placed Order"]}")'}
        orders = sandbox.get("/api/events", **parameters)["data"]
        metrics = {order["relationships"]["metric"]["data"]["id"] for order in orders}
        assert metrics == {metric_ids["Placed Order"]}
        parameters = {"filter": "has(metric)", "page[size]": "1000"}
        with_metric = sandbox.get("/api/events", **parameters)["data"]
        assert all(record["relationships"]["metric"]["data"] for record in with_metric)

    def test_suppressed_people(self, sandbox: Sandbox) -> None:
        """Profiles can be filtered by a suppression, which is in a list below the attribute."""
        path = "subscriptions.email.marketing.suppression"
        parameters = {
            "filter": f"greater-than({path}.timestamp,2025-01-01T00:00:00Z)",
            "additional-fields[profile]": "subscriptions",
        }
        profiles = sandbox.all("/api/profiles", **parameters)
        assert profiles
        for profile in profiles:
            assert profile["attributes"]["subscriptions"]["email"]["marketing"]["suppression"]

    def test_malformed_filters_are_refused(self, sandbox: Sandbox) -> None:
        """A field, operator, value or syntax that the endpoint does not know is refused."""
        malformed = (
            "equals(colour,'red')",
            "greater-than(name,'a')",
            "equals(archived,maybe)",
            "equals(archived,'true'",
            "greater-than(created_at,yesterday)",
            "greater-than(created_at,2026-01-01T00:00:00+00:00)",  # + in a URL is a blank
            "contains(name,unquoted)",
            "any(id,'x')",
            "contains(name)",
            "name",
            "contains(name,'a') or contains(name,'b')",
        )
        for text in malformed:
            error = get_error(sandbox, f"/api/campaigns?filter={text}")
            assert error["source"] == {"parameter": "filter"}, text

    def test_event_filters_of_this_moment_are_refused(self, sandbox: Sandbox) -> None:
        """An event filter on a time of the last five seconds, or after now, is refused."""
        for seconds in (-4, 0, 3600):
            moment = parse_time(NOON) + timedelta(seconds=seconds)
            stamp, text = round(moment.timestamp()), moment.astimezone(UTC).isoformat()[:19]
            for condition in (f"less-than(timestamp,{stamp})", f"less-than(datetime,{text}Z)"):
                error = get_error(sandbox, f"/api/events?filter={condition}")
                assert error["source"] == {"parameter": "filter"}
            assert sandbox.get("/api/events", filter=f"less-than(timestamp,{stamp - 4000})")


class TestErrors:
    """Requests that are refused."""

    def test_unknown_parameters(self, sandbox: Sandbox) -> None:
        """A parameter, or a value of one, that the endpoint does not know is named."""
        unknown = {
            "include": "profiles",
            "sort": "colour",
            "fields[campaign]": "colour",
            "fields[flow]": "name",
            "additional-fields[campaign]": "definition",
            "page_cursor": "x",
            "colour": "red",
        }
        for parameter, value in unknown.items():
            error = get_error(sandbox, f"/api/campaigns?{parameter}={value}")
            assert error["source"] == {"parameter": parameter}

    def test_key_is_required(self, sandbox: Sandbox) -> None:
        """A request without the scheme and a private key is refused."""
        key = "pk_sandbox_key"
        for authorization in (None, "", key, f"Bearer {key}", "Klaviyo-API-Key no"):
            headers = {"Authorization": authorization}
            error = get_error(sandbox, "/api/accounts", 401, headers=headers)
            assert error["code"] in {"not_authenticated", "authentication_failed"}

    def test_revision_is_required(self, sandbox: Sandbox) -> None:
        """Only revision 2026-10-15 is accepted; one of two years ago is gone."""
        statuses = {
            None: 400,
            "2024-10-15": 410,
            "2026-07-15": 400,
            "2026-10-15.pre": 400,
            "x": 400,
        }
        for revision, status in statuses.items():
            assert get_error(sandbox, "/api/accounts", status, headers={"revision": revision})

    def test_unknown_paths_ids_and_methods(self, sandbox: Sandbox) -> None:
        """An unknown path or id is 404; a wrong method is 405 and names the right one."""
        assert get_error(sandbox, "/api/nothing", 404)
        assert get_error(sandbox, "/api/flows/NONE", 404)
        assert get_error(sandbox, "/api/flows/NONE/flow-actions", 404)
        response = sandbox.request("DELETE", "/api/flows")
        assert (response.status_code, response.headers["allow"]) == (405, "GET")


FIRST_KEY, SECOND_KEY, SCOPED_KEY = "pk_first", "pk_second", "pk_scoped"


@pytest.fixture(scope="module")
def two_accounts() -> Iterator[Sandbox]:
    """Two accounts with limits; the second also has a key for tags only."""
    keys = [FIRST_KEY, f"{SECOND_KEY}@8", f"{SCOPED_KEY}@8:tags:read"]
    sizes = {"campaigns": 4, "profiles": 20, "seed": 7, "now": "2026-11-01T00:00:00Z"}
    with run_sandbox(**sizes, api_key=keys) as sandbox:
        yield sandbox


def get_with_key(sandbox: Sandbox, key: str, path: str) -> requests.Response:
    """Return the response to a request with a key."""
    return sandbox.request("GET", path, headers={"Authorization": f"Klaviyo-API-Key {key}"})


class TestKeys:
    """Keys, their scopes and their accounts."""

    @pytest.fixture
    def accounts(self, two_accounts: Sandbox) -> Sandbox:
        """The two accounts in their first state."""
        two_accounts.reset()
        return two_accounts

    def test_only_the_given_keys_are_accepted(self, accounts: Sandbox) -> None:
        """With keys on the command line no other key is accepted."""
        assert get_with_key(accounts, FIRST_KEY, "/api/tags").status_code == 200
        assert get_with_key(accounts, "pk_other_key", "/api/tags").status_code == 401

    def test_missing_scope_is_named(self, accounts: Sandbox) -> None:
        """A key reads within its scopes; a scope that it lacks is named."""
        assert get_with_key(accounts, SCOPED_KEY, "/api/tags").status_code == 200
        headers = {"Authorization": f"Klaviyo-API-Key {SCOPED_KEY}"}
        error = get_error(accounts, "/api/campaigns", 403, headers=headers)
        assert "campaigns:read" in error["detail"]

    def test_key_opens_its_own_account(self, accounts: Sandbox) -> None:
        """Keys with seeds open different accounts, whose clocks move together."""
        keys = (FIRST_KEY, SECOND_KEY)
        responses = [get_with_key(accounts, key, "/api/accounts") for key in keys]
        ids = [response.json()["data"][0]["id"] for response in responses]
        assert ids == accounts.admin()["accounts"]
        assert len(set(ids)) == 2
        accounts.advance(3_600)
        dates = [get_with_key(accounts, key, "/api/tags").headers["date"] for key in keys]
        assert dates == ["Sun, 01 Nov 2026 01:00:00 GMT"] * 2

    def test_accounts_have_separate_limits(self, accounts: Sandbox) -> None:
        """Keys of one account share its limits; another account has limits of its own."""
        remaining = [
            get_with_key(accounts, key, "/api/tags").headers["ratelimit-remaining"]
            for key in (FIRST_KEY, SECOND_KEY, SCOPED_KEY)
        ]
        assert remaining == ["2", "2", "1"]


class TestAdmin:
    """The admin endpoints."""

    def test_clock_moves_the_account(self, fresh_sandbox: Sandbox) -> None:
        """Thirty days later there are more events and sent campaigns, and the Date says so."""
        sandbox = fresh_sandbox
        before = sandbox.admin()["counts"]["event"]
        scheduled = sandbox.all("/api/campaign-messages", filter='equals(status,"scheduled")')
        sandbox.advance(30 * DAY)
        assert before < sandbox.admin()["counts"]["event"]
        assert "Mon, 21 Dec 2026" in sandbox.request("GET", "/api/accounts").headers["date"]
        assert scheduled
        for record in scheduled:
            message = sandbox.get(f"/api/campaign-messages/{record['id']}")["data"]
            assert message["attributes"]["definition"]["status"] != "scheduled"
        response = sandbox.session.post(f"{sandbox.url}/admin/clock", json={"now": NOON})
        assert response.status_code == 400, "the clock never goes back"

    def test_edits(self, fresh_sandbox: Sandbox) -> None:
        """A test can change a resource or delete it."""
        sandbox = fresh_sandbox
        (first, second, *_) = sandbox.get("/api/lists")["data"]
        sandbox.edit("list", first["id"], {"name": "Renamed"})
        sandbox.edit("list", second["id"], None)
        renamed = sandbox.get(f"/api/lists/{first['id']}")["data"]["attributes"]
        assert renamed["name"] == "Renamed"
        assert second["id"] not in [record["id"] for record in sandbox.all("/api/lists")]
        assert sandbox.request("GET", f"/api/lists/{second['id']}").status_code == 404

    def test_visibility_of_an_event(self, fresh_sandbox: Sandbox) -> None:
        """An event can be made late, visible ahead of its date, or invisible."""
        sandbox, parameters = fresh_sandbox, {"page[size]": 1000}

        def visible_ids() -> list[str]:
            return [record["id"] for record in sandbox.all("/api/events", **parameters)]

        before = visible_ids()
        sandbox.move_to("2026-11-25T12:00:00+00:00")
        ahead = next(id_ for id_ in visible_ids() if id_ not in before)
        sandbox.reset()
        sandbox.edit("event", ahead, {"seen": NOON})
        sandbox.edit("event", before[0], {"seen": "2026-11-22T12:00:00+00:00"})
        sandbox.edit("event", before[1], None)
        assert set(visible_ids()) == {ahead, *before[2:]}
        sandbox.move_to("2026-11-22T12:00:00+00:00")
        assert before[0] in visible_ids()
        sandbox.reset()
        assert visible_ids() == before

    def test_events_of_an_erased_person_are_redacted_later(self, fresh_sandbox: Sandbox) -> None:
        """The profile is gone at once; a day later its events do not name the person."""
        sandbox = fresh_sandbox
        gone = find_recipient(sandbox)
        sandbox.erase(gone, after_seconds=86_400)
        assert gone not in {profile["id"] for profile in sandbox.all("/api/profiles")}
        assert recipients_in_events(sandbox, gone) != {"redacted"}
        count = len(events_of(sandbox, gone))
        sandbox.advance(86_400)
        assert recipients_in_events(sandbox, gone) == {"redacted"}
        assert len(events_of(sandbox, gone)) >= count

    def test_events_of_a_merged_profile_move_later(self, fresh_sandbox: Sandbox) -> None:
        """They keep their ids and are listed under the survivor, which is updated at once."""
        sandbox = fresh_sandbox
        merged = find_recipient(sandbox)
        survivor = next(
            profile for profile in sandbox.all("/api/profiles") if profile["id"] != merged
        )
        ids = {event["id"] for event in events_of(sandbox, merged)}
        sandbox.merge(merged, survivor["id"], after_seconds=3_600)
        updated = sandbox.get(f"/api/profiles/{survivor['id']}")["data"]["attributes"]["updated"]
        assert updated > survivor["attributes"]["updated"]
        assert ids.isdisjoint(event["id"] for event in events_of(sandbox, survivor["id"]))
        sandbox.advance(3_600)
        assert events_of(sandbox, merged) == []
        assert ids <= {event["id"] for event in events_of(sandbox, survivor["id"])}

    def test_a_credit_moves_later(self, fresh_sandbox: Sandbox) -> None:
        """The event's attribution names the other message then, and so do the reports."""
        sandbox = fresh_sandbox
        page = sandbox.get("/api/events", include="attributions", **{"page[size]": 1000})
        (first, *others) = page["included"]
        event = first["relationships"]["event"]["data"]["id"]
        touch = first["relationships"]["attributed-event"]["data"]["id"]
        other = next(
            attribution["relationships"]["attributed-event"]["data"]["id"]
            for attribution in others
            if attribution["relationships"]["attributed-event"]["data"]["id"] != touch
        )
        sandbox.move_credit(event, other, after_seconds=60)
        sandbox.advance(60)
        (moved,) = sandbox.get(f"/api/events/{event}", include="attributions")["included"]
        assert moved["id"] == first["id"]
        assert moved["relationships"]["attributed-event"]["data"]["id"] == other

    def test_a_campaign_is_deleted_with_its_messages(self, fresh_sandbox: Sandbox) -> None:
        """Its messages are gone too."""
        sandbox = fresh_sandbox
        message = sandbox.all("/api/campaign-messages")[0]
        sandbox.edit("campaign", message["relationships"]["campaign"]["data"]["id"], None)
        assert message["id"] not in {
            message["id"] for message in sandbox.all("/api/campaign-messages")
        }
        assert sandbox.request("GET", f"/api/campaign-messages/{message['id']}").status_code == 404

    def test_reset_returns_to_the_first_state(self, fresh_sandbox: Sandbox) -> None:
        """After a reset, edits, the clock, faults and the request log are as at the start."""
        sandbox = fresh_sandbox
        before = sandbox.admin()
        paths = ("/api/lists", "/api/campaigns", "/api/profiles", "/api/campaign-messages")
        resources = {path: sandbox.all(path) for path in paths}
        sandbox.reset()
        for path in paths[:2]:
            sandbox.edit(path.split("/")[2].removesuffix("s"), resources[path][0]["id"], None)
        people = [profile["id"] for profile in resources["/api/profiles"]]
        sandbox.erase(people[0], after_seconds=DAY)
        sandbox.merge(people[1], people[2], after_seconds=2 * DAY)
        sandbox.advance(DAY)
        sandbox.fault("500", path="flows")
        assert sandbox.request("GET", "/api/flows").status_code == 500
        assert before != sandbox.admin()
        sandbox.reset()
        assert before == sandbox.admin()
        assert sandbox.log() == []
        assert resources == {path: sandbox.all(path) for path in paths}

    def test_reset_sets_the_first_faults_again(self) -> None:
        """After a reset the faults of the command line, and only these, apply as at the start."""
        with run_sandbox(campaigns=4, profiles=20, no_limits=True, fault="502") as sandbox:
            before = sandbox.admin()["faults"]
            sandbox.clear_faults()
            assert sandbox.request("GET", "/api/tags").status_code == 200
            sandbox.reset()
            assert sandbox.admin()["faults"] == before
            assert sandbox.request("GET", "/api/tags").status_code == 502

    def test_requests_are_counted(self, sandbox: Sandbox) -> None:
        """The admin sees every request to the API, by path and by status."""
        before = sandbox.admin()["requests"].get("GET /api/tag-groups", {}).get("200", 0)
        sandbox.get("/api/tag-groups")
        assert sandbox.admin()["requests"]["GET /api/tag-groups"]["200"] == before + 1
        last = sandbox.log()[-1]
        assert (last["method"], last["path"], last["status"]) == ("GET", "/api/tag-groups", 200)


def events_of(sandbox: Sandbox, profile_id: str) -> list[dict[str, Any]]:
    """The events that a filter finds for a profile."""
    return sandbox.all("/api/events", filter=f'equals(profile_id,"{profile_id}")')


def find_recipient(sandbox: Sandbox) -> str:
    """A person who received an e-mail."""
    (metric,) = [
        metric["id"]
        for metric in sandbox.all("/api/metrics")
        if metric["attributes"]["name"] == "Received Email"
    ]
    event = sandbox.get("/api/events", filter=f'equals(metric_id,"{metric}")')["data"][0]
    profile: str = event["relationships"]["profile"]["data"]["id"]
    return profile


def recipients_in_events(sandbox: Sandbox, profile_id: str) -> set[str]:
    """The addresses that the events of a profile name."""
    properties = [
        event["attributes"]["event_properties"] for event in events_of(sandbox, profile_id)
    ]
    return {
        event["Recipient Email Address"]
        for event in properties
        if "Recipient Email Address" in event
    }
