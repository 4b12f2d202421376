"""A Salesforce of our own on 127.0.0.1: OAuth, describe, queries, deletions, the limit, a clock.

What it claims of Salesforce is from its documentation, below
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/ where no other is named;
each method says which page. `tests/salesforce/test_judge.py` reads it with simple-salesforce.
"""

import base64
import csv
import io
import json
import random
import re
import secrets
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jwt

from simplyload.testing.server import Fault, Handler
from tests.salesforce.shapes import Field, Record, Shape, make_shapes, make_value
from tests.salesforce.soql import MalformedError, UnknownFieldError, chunks, parse

NOON = 1_795_000_000
DAY = 86_400
ORG = "00D5g000004YOUREAA"
USER = "0055g00000ABCDEAAA"
CLIENT_ID = "3MVG9.the_consumer_key"
CLIENT_SECRET = "8F1B-the-consumer-secret"
REFRESH_TOKEN = "5Aep-the-refresh-token"
LONGEST_ADDRESS = 16_384
LONGEST_QUERY = 100_000
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class SalesforceError(Exception):
    """An answer that is an error: a list of one object, with a code and a message (errorcodes)."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = [{"errorCode": code, "message": message}]


@dataclass
class Job:
    """A query job: its rows as text, and how often it was looked at."""

    fields: list[str]
    rows: list[list[str]]
    looks: int = 0


@dataclass
class Csv:
    """An answer that is CSV, with the locator of the next one."""

    text: str
    locator: str
    rows: int


class FakeSalesforce:
    """What the org holds, and the faults that are to come."""

    def __init__(self, seed: int = 1) -> None:
        self.now = NOON
        self.address = ""
        self.org = ORG
        self.shapes: dict[str, Shape] = make_shapes()
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.logins = 0
        self.used, self.limit = 0, 100_000
        self.slow = 10**9  # seconds of stamps that a query looks at in time
        self.batch = 2000  # rows of an answer, at most
        self.log_behind = 0  # seconds that the log of deletions is behind
        self.log_from = 0  # the log of deletions was purged up to here
        self.refuses_old_log = True  # with an error, or by saying where the log begins
        self.public_key = ""
        self.step = 0  # seconds that pass with each request
        self.on_request: Any = None  # called with each path before it is answered
        self.records: dict[str, dict[str, Record]] = defaultdict(dict)
        self.tokens: set[str] = set()
        self.jobs: dict[str, Job] = {}
        self.job_state = "JobComplete"
        self.job_looks = 0  # at a job before it is complete
        self._visible: dict[str, int] = {}
        self._log: list[tuple[str, str, int]] = []
        self._locators: dict[str, tuple[str, list[Any], int]] = {}
        self._chooser = random.Random(seed)
        self._lock = threading.RLock()

    # ---- what tests do ----

    def create(self, name: str, /, **values: Any) -> str:
        """Create a record; ids do not come in the order of creation."""
        body = "".join(self._chooser.choices(DIGITS, k=12))
        id_ = f"{self.shapes[name].prefix or '000'}{body}AAA"
        record = {
            field.name: make_value(field.type, self._chooser)
            for field in self.shapes[name].fields
            if not field.formula
        }
        record |= {"Id": id_}
        self.records[name][id_] = record
        stamps = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
        record |= {stamp: self.now for stamp in stamps if stamp in record}
        record |= {flag: False for flag in ("IsDeleted", "IsArchived") if flag in record}
        self._set(record, values)
        return id_

    def update(self, id_: str, /, *, stamped: bool = True, **values: Any) -> None:
        """Change a record; a formula whose parts change elsewhere moves no stamp."""
        _, record = self.find(id_)
        self._set(record, values)
        for stamp in ("LastModifiedDate", "SystemModstamp"):
            if stamped and stamp in record:
                record[stamp] = self.now

    def delete(self, id_: str, /, **values: Any) -> None:
        """Move a record to the recycle bin (system_fields: IsDeleted), and note it in the log."""
        name, _ = self.find(id_)
        self.update(id_, IsDeleted=True, **values)
        self._log.append((name, id_, self.now))

    def undelete(self, id_: str, /, *, stamped: bool = True) -> None:
        """Restore a record; whether that moves its stamp is not documented, so both are tried."""
        self.update(id_, stamped=stamped, IsDeleted=False)

    def purge(self, id_: str, /) -> None:
        """Empty the recycle bin of a record: no query finds it any more."""
        name, record = self.find(id_)
        if not record.get("IsDeleted"):
            self._log.append((name, id_, self.now))
        del self.records[name][id_]

    def merge(self, winner: str, loser: str, *, stamped: bool = True) -> None:
        """Merge two accounts: the loser is deleted with MasterRecordId, its contacts are moved.

        Whether the stamps of these move is not documented, so both are tried.

        https://developer.salesforce.com/docs/atlas.en-us.apexcode.meta/apexcode/
        apex_triggers_merge_statements.htm
        """
        for id_, contact in self.records["Contact"].items():
            if contact["AccountId"] == loser:
                self.update(id_, stamped=stamped, AccountId=winner)
        self.update(winner)
        self.delete(loser, MasterRecordId=winner)

    def add_field(self, name: str, added: Field, value: Any = None) -> None:
        """Add a field; a value in old records moves no stamp."""
        self.shapes[name].fields.append(added)
        for record in self.records[name].values():
            record[added.name] = value

    def drop_field(self, name: str, dropped: str) -> None:
        """Delete a field."""
        shape = self.shapes[name]
        shape.fields = [field for field in shape.fields if field.name != dropped]

    def rename(self, old: str, new: str) -> None:
        """Rename an object: its key prefix and its records stay."""
        self.shapes[new] = self.shapes.pop(old)
        self.shapes[new].name = new
        self.records[new] = self.records.pop(old)

    def delay(self, id_: str, seconds: int) -> None:
        """Let queries show a record only after a while, as a transaction that is still open."""
        self._visible[id_] = self.now + seconds

    def expire(self) -> None:
        """End every session."""
        self.tokens.clear()

    def fail(self, path: str, status: int, code: str = "UNKNOWN", **more: Any) -> None:
        """Let the next requests of a path fail."""
        body = [{"errorCode": code, "message": more.pop("message", "try again")}]
        self.faults.append(Fault(path, status, body, **more))

    def find(self, id_: str) -> tuple[str, Record]:
        """Give a record and its object's name."""
        for name, records in self.records.items():
            if id_ in records:
                return name, records[id_]
        raise KeyError(id_)

    def present(self, name: str) -> dict[str, Record]:
        """Give what there is of an object, as a query shows it, by id."""
        return {
            id_: self._render(self.shapes[name], record)
            for id_, record in self.records[name].items()
            if not record.get("IsDeleted")
        }

    def paths(self, part: str = "") -> list[str]:
        """Give the requests with a part since the last call, as readable text."""
        paths = [request for request in self.requests if part in request]
        self.requests.clear()
        return paths

    # ---- what it answers ----

    def log_in(self, form: dict[str, str], basic: str) -> tuple[int, Record]:
        """Answer the token endpoint.

        https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_client_credentials_flow.htm
        and its siblings remoteaccess_oauth_refresh_token_flow, remoteaccess_oauth_jwt_flow.
        """
        self.logins += 1
        if basic:
            id_, _, secret = base64.b64decode(basic).decode().partition(":")
            form = {**form, "client_id": id_, "client_secret": secret}
        grant = form.get("grant_type", "")
        if grant.endswith("jwt-bearer"):
            claims = jwt.decode(
                form["assertion"], self.public_key, ["RS256"], audience=self.address
            )
            is_right = claims["iss"] == CLIENT_ID and "sub" in claims
        elif form.get("client_id") != CLIENT_ID:
            return 400, {
                "error": "invalid_client_id",
                "error_description": "client identifier invalid",
            }
        elif grant == "refresh_token":
            is_right = form.get("refresh_token") == REFRESH_TOKEN
        else:
            is_right = form.get("client_secret") == CLIENT_SECRET
            if not is_right:
                text = f"invalid client credentials {form.get('client_secret')}"
                return 400, {"error": "invalid_client", "error_description": text}
        if not is_right:
            return 400, {"error": "invalid_grant", "error_description": "expired authorization"}
        token = f"{self.org[:15]}!{secrets.token_hex(16)}"
        self.tokens.add(token)
        return 200, {
            "access_token": token,
            "instance_url": self.address,
            "id": f"https://login.salesforce.com/id/{self.org}/{USER}",
            "token_type": "Bearer",
            "issued_at": str(self.now * 1000),
            "signature": "x",
        }

    def answer(
        self,
        token: str,
        path: str,
        params: dict[str, str],
        method: str = "GET",
        body: Record | None = None,
    ) -> Any:
        """Give the body of an answer."""
        with self._lock:
            self.now += self.step
            if self.on_request:
                self.on_request(path)
            if token not in self.tokens:
                raise SalesforceError(401, "INVALID_SESSION_ID", "Session expired or invalid")
            if self.used >= self.limit:
                raise SalesforceError(
                    403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."
                )
            self.used += 1
            collection, _, rest = path.strip("/").partition("/")
            if collection == "sobjects":
                return self._sobjects(rest, params)
            if collection in {"query", "queryAll"}:
                return self._query(token, collection, rest, params)
            if path.startswith("jobs/query"):
                return self._jobs(method, path.removeprefix("jobs/query"), params, body or {})
            if path.startswith("limits/recordCount"):
                name = params["sObjects"]  # resources_record_count: an estimate
                return {"sObjects": [{"name": name, "count": len(self.records[name])}]}
            raise SalesforceError(404, "NOT_FOUND", "The requested resource does not exist")

    def _jobs(self, method: str, rest: str, params: dict[str, str], body: Record) -> Any:
        """Answer requests about query jobs.

        https://developer.salesforce.com/docs/platform/api-asynch/guide/query-bulk-api-2-0.html:
        CSV in UTF-8, every value in quotes, null as an empty one; `Sforce-Locator` is `null` after
        the last part; compound fields and base64 are refused; a job that is deleted is gone.
        """
        _, id_, what = (*rest.split("/"), "", "")[:3]
        if method == "POST":
            id_ = f"750{secrets.token_hex(6)}"
            self.jobs[id_] = self._run_job(body)
        elif id_ not in self.jobs:
            raise SalesforceError(404, "NOT_FOUND", "The requested resource does not exist")
        elif method == "DELETE":
            del self.jobs[id_]
            return None
        job = self.jobs[id_]
        if what == "results":
            start = int(params.get("locator", "0"))
            part = job.rows[start : start + int(params["maxRecords"])]
            end = start + len(part)
            text = io.StringIO()
            writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
            writer.writerows([job.fields, *part])
            return Csv(text.getvalue(), str(end) if end < len(job.rows) else "null", len(part))
        job.looks += method == "GET"
        state = self.job_state if job.looks > self.job_looks else "InProgress"
        return {"id": id_, "state": state, "numberRecordsProcessed": len(job.rows)}

    def _run_job(self, body: Record) -> Job:
        query = parse(body["query"])
        shape = self.shapes[query.name]
        if any(
            field.type in {"address", "location", "base64"}
            for field in _find_fields(shape, query.fields)
        ):
            raise SalesforceError(400, "FEATURENOTENABLED", "Selecting compound data not supported")
        rows = [self._render(shape, record) for record in self.records[shape.name].values()]
        shown = [row for row in rows if body["operation"] == "queryAll" or not _is_hidden(row)]
        found = query.run(shown)
        self._chooser.shuffle(found)
        return Job(query.fields, [[_to_csv(value) for value in row.values()] for row in found])

    def compose(self, token: str, body: Record) -> Record:
        """Answer a composite request (resources_composite_composite): one call, several parts."""
        answers = []
        for request in body["compositeRequest"]:
            url = urlsplit(request["url"])
            path = url.path.split("/", 4)[4]
            try:
                part, status = self.answer(token, path, dict(parse_qsl(url.query))), 200
            except SalesforceError as error:
                part, status = error.body, error.status
                if status == 401:
                    raise
            answers.append(
                {"body": part, "httpStatusCode": status, "referenceId": request["referenceId"]}
            )
        return {"compositeResponse": answers}

    def _sobjects(self, rest: str, params: dict[str, str]) -> Any:
        """Answer describe global and describe (resources_describeGlobal, ..._sobject_describe)."""
        if not rest:
            return {"sobjects": [self._outline(sobject) for sobject in self.shapes.values()]}
        name, _, what = rest.partition("/")
        if name not in self.shapes:
            raise SalesforceError(404, "NOT_FOUND", "The requested resource does not exist")
        shape = self.shapes[name]
        if what.strip("/") == "deleted":
            return self._get_deleted(shape, params)
        fields = [field.describe() for field in shape.visible()]
        return {**self._outline(shape), "fields": fields}

    @staticmethod
    def _outline(shape: Shape) -> Record:
        return {
            "name": shape.name,
            "keyPrefix": shape.prefix or None,
            "queryable": shape.queryable,
            "retrieveable": shape.queryable,
            "replicateable": shape.replicateable,
            "custom": "__" in shape.name,
        }

    def _get_deleted(self, shape: Shape, params: dict[str, str]) -> Record:
        """Answer with the log of deletions (resources_getdeleted, SOAP's getDeleted()).

        Seconds are ignored; start is more than a minute before end; no more than 15 days back, or
        to where the log was purged; the next start is `latestDateCovered`.
        """
        if not shape.replicateable:
            raise SalesforceError(400, "INVALID_TYPE", f"{shape.name} is not replicable")
        start, end = (_minute(params[name]) for name in ("start", "end"))
        earliest = max(self.now - 15 * DAY, self.log_from) // 60 * 60
        if end - start <= 60 or (self.refuses_old_log and start < earliest):
            raise SalesforceError(400, "INVALID_REPLICATION_DATE", "start before what is there")
        covered = min(end, (self.now - self.log_behind) // 60 * 60)
        found = [
            {"id": id_, "deletedDate": _time(at)}
            for name, id_, at in self._log
            if name == shape.name and max(start, earliest) <= at < covered
        ]
        return {
            "deletedRecords": found,
            "earliestDateAvailable": _time(earliest),
            "latestDateCovered": _time(covered),
        }

    def _query(self, token: str, kind: str, rest: str, params: dict[str, str]) -> Record:
        """Answer a query, or the next part of its answer (resources_query, resources_queryall).

        An answer has at most 2,000 rows and may have fewer; the locator of the next ones belongs to
        the session. query leaves out what is in the recycle bin and archived activities.
        """
        if rest:
            id_, _, start = rest.partition("-")
            owner, found, _ = self._locators.get(id_, ("", [], 0))
            if owner != token:
                raise SalesforceError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
            return self._part(kind, id_, found, int(start))
        soql = params["q"]
        if len(soql) > LONGEST_QUERY:
            raise SalesforceError(400, "MALFORMED_QUERY", "SOQL statement is too long")
        bounds = [_minute(instant) for instant in re.findall(r"[<>]=? (\d{4}-\S+Z)", soql)]
        if bounds and bounds[1] - bounds[0] > self.slow:
            raise SalesforceError(400, "QUERY_TIMEOUT", "Your query request was running too long")
        try:
            query = parse(soql)
            shape = self.shapes.get(query.name)
            if shape is None or not shape.queryable:
                message = f"sObject type '{query.name}' is not supported."
                raise SalesforceError(400, "INVALID_TYPE", message)
            if shape.name.endswith("__b") and query.order:
                raise SalesforceError(400, "MALFORMED_QUERY", "big objects have an index")
            rows = [
                self._render(shape, record)
                for id_, record in self.records[shape.name].items()
                if self._visible.get(id_, 0) <= self.now
            ]
            shown = [row for row in rows if kind == "queryAll" or not _is_hidden(row)]
            query.fields = [field.name for field in _find_fields(shape, query.fields)]
            found = query.run(shown)
        except MalformedError as error:
            raise SalesforceError(400, "MALFORMED_QUERY", str(error)) from None
        except UnknownFieldError as error:
            message = f"No such column '{error}' on entity '{query.name}'"
            raise SalesforceError(400, "INVALID_FIELD", message) from None
        id_ = f"01g{secrets.token_hex(6)}"
        records = [{"attributes": {"type": shape.name}, **row} for row in found]
        self._locators[id_] = (token, records, 0)
        return self._part(kind, id_, records, 0)

    def _part(self, kind: str, id_: str, found: list[Any], start: int) -> Record:
        part = chunks(found[start:], self.batch)[0]
        answer = {"totalSize": len(found), "done": True, "records": part}
        after = start + len(part)
        if after < len(found):
            answer |= {
                "done": False,
                "nextRecordsUrl": f"/services/data/v67.0/{kind}/{id_}-{after}",
            }
        return answer

    def _render(self, shape: Shape, record: Record) -> Record:
        """Give a record as the user sees it: times as text, formulas as they are now."""
        shown: Record = {}
        for field in shape.visible():
            value = field.formula(record) if field.formula else record.get(field.name)
            if field.type == "datetime" and isinstance(value, int):
                value = _time(value)
            if field.type == "address":
                value = {part.name: record.get(part.name) for part in shape.fields if part.part_of}
            if field.type == "base64":
                value = f"/services/data/v67.0/sobjects/{shape.name}/{record['Id']}/{field.name}"
            shown[field.name] = deepcopy(value)
        return shown

    @staticmethod
    def _set(record: Record, values: Record) -> None:
        unknown = values.keys() - record.keys()
        assert not unknown, unknown
        record |= values


def _to_csv(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace(".000+0000", ".000Z") if value.endswith(".000+0000") else value
    return json.dumps(value)


def _is_hidden(record: Record) -> bool:
    return bool(record.get("IsDeleted") or record.get("IsArchived"))


def _find_fields(shape: Shape, names: list[str]) -> Iterator[Field]:
    known = {field.name.lower(): field for field in shape.visible()}
    for name in names:
        if name.lower() not in known:
            raise UnknownFieldError(name)
        yield known[name.lower()]


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def _minute(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) // 60 * 60


class SalesforceHandler(Handler):
    """Answers as Salesforce does."""

    fake: FakeSalesforce

    def answer(self, content: bytes) -> None:
        """Answer a login, or another request."""
        if self.path.endswith("/services/oauth2/token"):
            _, _, basic = self.headers.get("Authorization", "").partition("Basic ")
            if not self.fail(lambda named: named in self.path):
                self.send(*self.fake.log_in(dict(parse_qsl(content.decode())), basic))
            return
        self._answer(json.loads(content or b"{}"))

    def _answer(self, body: Record) -> None:
        """Answer by what the path names; address and headers have a longest size.

        https://help.salesforce.com/s/articleView?id=000386264: 16,384 bytes, and a longer query
        goes into the body of a composite request. The header of the limit: headers_api_usage.
        """
        url = urlsplit(self.path)
        readable = unquote(f"{self.path} {json.dumps(body)}" if body else self.path)
        self.fake.requests.append(readable.replace("+", " "))
        size = len(self.path) + sum(len(k) + len(v) + 4 for k, v in self.headers.items())
        if size > LONGEST_ADDRESS:
            self.send(431, "Request Header Fields Too Large")
            return
        if self.fail(lambda named: named in readable.replace("+", " ")):
            return
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        path = url.path.split("/", 4)[4]
        try:
            if path.startswith("composite"):
                answer: Any = self.fake.compose(token, body)
            else:
                params = dict(parse_qsl(url.query))
                answer = self.fake.answer(token, path, params, self.command, body)
            self.send(204 if answer is None else 200, answer)
        except SalesforceError as error:
            self.send(error.status, error.body)

    def send(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        """Answer with JSON, CSV or nothing, and what the org has used."""
        is_json = body is not None and not isinstance(body, Csv)
        content = json.dumps(body, ensure_ascii=False).encode() if is_json else b""
        usage = f"api-usage={self.fake.used}/{self.fake.limit}"
        own = {"Content-Type": "application/json", "Sforce-Limit-Info": usage}
        if isinstance(body, Csv):
            content = body.text.encode()
            own |= {"Content-Type": "text/csv", "Sforce-Locator": body.locator}
            own |= {"Sforce-NumberOfRecords": str(body.rows)}
        self.send_content(status, content, {**own, **(headers or {})})
