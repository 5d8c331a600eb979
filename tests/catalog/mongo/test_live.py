"""Collections of a server that runs: told apart, read whole, and read on after what goes wrong on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import bson
import pytest
import trustme
from pymongo import MongoClient, monitoring
from pymongo.database import Database

from catalog.errors import CatalogError, ImportFailedError, ImportUsageError, NothingToImportError
from catalog.mongo.address import Address
from catalog.mongo.documents import Document, DocumentSource, Unreadable
from catalog.mongo.live import RAW_OPTIONS, LiveSource, read_document
from catalog.mongo.source import open_sources
from catalog.records import ImportKind
from tests.catalog.mongo.documents import CROPS, EVALUATION, canonical, read
from tests.mongo import MongoServer, run_hop, run_mongo

_PASSWORD = "S3cr3t-of/the lab@2:1"
_ESCAPED = "S3cr3t-of%2Fthe%20lab%402%3A1"
_COLLECTION = "v0003"


def crops(n: int) -> list[dict[str, Any]]:
    """Return so many crops."""
    return [CROPS[0] | {"_id": number, "number": str(number)} for number in range(n)]


def numbers(documents: Iterator[Document | Unreadable]) -> list[int]:
    """Return the `_id` of each."""
    return [one.fields["_id"] for one in documents if isinstance(one, Document)]


@contextmanager
def opened(uri: str, database: str = "crops", **knobs: Any) -> Iterator[DocumentSource]:
    """Open the one collection of crops."""
    with open_sources(uri, database=database, collection=_COLLECTION, **knobs) as found:
        (source,) = found.sources
        yield source


def test_documents_come_as_the_server_has_them(mongo_uri: str, database: Database[Any]) -> None:
    """Every field and type of every document, in the order of `_id`; place and version are told without a login."""
    values = {"n": bson.Int64(5), "d": bson.Decimal128("0.1"), "b": b"\0", "r": bson.Regex("a"), "x": float("nan")}
    stored = [fields | values for fields in CROPS]
    database[_COLLECTION].insert_many(stored[::-1])
    with opened(mongo_uri, database.name) as source:
        found = [one for one in source.documents() if isinstance(one, Document)]
        assert (source.kind, source.version) == (ImportKind.CROPS, "0003")
        assert source.collection == f"{database.name}/{_COLLECTION}"
        assert source.place == mongo_uri.partition("/?")[0]
    assert [canonical(one.fields) for one in found] == [canonical(fields) for fields in stored]
    assert [one.key for one in found] == [f'{{"$oid":"{fields["_id"]}"}}' for fields in stored]


_IDS = [
    1,
    "a",
    bson.ObjectId(),
    2.5,
    {"b": 1, "a": 2},
    b"x",
    True,
    None,
    bson.Decimal128("7.1"),
    "$x",
    bson.Int64(2**40),
]


def test_reading_goes_on_after_an_id_of_any_type(mongo_uri: str, database: Database[Any]) -> None:
    """Where the types of `_id` are mixed, what follows a key is what followed it before: none is lost, none twice."""
    database[_COLLECTION].insert_many([{"_id": one, "number": "1", "labels": {}} for one in _IDS])
    with opened(mongo_uri, database.name) as source:
        whole = list(source.documents())
        assert len(whole) == len(_IDS)
        for n, one in enumerate(whole, 1):
            assert isinstance(one, Document)
            assert list(source.documents(after=one.key)) == whole[n:]
        assert list(source.documents(after="no key at all")) == whole


@pytest.mark.parametrize(
    ("data", "place", "last"),
    [
        pytest.param(
            bson.encode({"_id": 7, "a": "7?"}).replace(b"7?", b"7\xff"), '_id {"$numberInt":"7"}', 7, id="text"
        ),
        pytest.param(bson.encode({"_id": 7, "a": 1}).replace(b"\x10a", b"\x77a"), "a document", 6, id="type"),
        pytest.param(bson.encode({"a": 1}), "a document", 6, id="no _id"),
    ],
)
def test_a_document_that_cannot_be_decoded_is_told_of(data: bytes, place: str, last: object) -> None:
    """By its `_id`, after which reading goes on; where not even that can be told, reading goes on after the one before.

    Servers check what is put into them, so that none would hold such a document for a test.
    """
    after, document = read_document(data, 6)
    assert isinstance(document, Unreadable)
    assert (document.place, after) == (place, last)


def test_both_of_the_papers_collections_are_meant_by_a_bare_address(mongo_uri: str) -> None:
    """Crops and evaluations by their default names; what is not there is named; options choose one."""
    with MongoClient[Any](mongo_uri) as client:
        if {"crops", "evaluation"} & set(client.list_database_names()):
            pytest.skip("the server has databases of these names")
        try:
            client.crops.v0003.insert_many(crops(3))
            with open_sources(mongo_uri) as found:
                assert [source.collection for source in found.sources] == ["crops/v0003"]
                assert len(found.left_out) == 1
                assert "there is no such database: mongodb://" in found.left_out[0]
            client.evaluation["v0003.2.v0003"].insert_one(dict(EVALUATION))
            with open_sources(mongo_uri) as found:
                pairs = [(source.collection, source.kind, source.version) for source in found.sources]
                assert pairs == [
                    ("crops/v0003", ImportKind.CROPS, "0003"),
                    ("evaluation/v0003.2.v0003", ImportKind.EVALUATIONS, "0003"),
                ]
            client.crops.v0004.insert_many(crops(1))
            assert len(read(mongo_uri, database="evaluation")) == 1
            assert len(read(mongo_uri.replace("/?", "/crops?"))) == 3
            assert len(read(mongo_uri.replace("/?", "/admin?"), collection="v0004")) == 1
        finally:
            client.drop_database("crops")
            client.drop_database("evaluation")


def test_all_collections_of_a_known_kind_are_meant_by_another_database(mongo_uri: str, database: Database[Any]) -> None:
    """The others are named with what they hold."""
    database.results.insert_one(dict(EVALUATION))
    database.v0002.insert_many(crops(1))
    database.setups.insert_one({"a": 1})
    with open_sources(mongo_uri, database=database.name) as found:
        assert [source.collection.partition("/")[2] for source in found.sources] == ["results", "v0002"]
        assert "neither crops nor evaluations" in found.left_out[0]
        assert "/setups; " in found.left_out[0]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        pytest.param(("{}x", "v0003"), "there is no such database: .*Did you mean {}", id="database"),
        pytest.param(("{}", "v003"), "there is no such collection: .*/v003. Did you mean v0003", id="collection"),
        pytest.param(("{}", "empty"), "the collection is empty: .*/empty", id="empty"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(
    mongo_uri: str, database: Database[Any], asked: tuple[str, str], words: str
) -> None:
    """An unknown name is answered with the nearest known one, an empty collection by saying so."""
    database[_COLLECTION].insert_many(crops(1))
    database.create_collection("empty")
    with pytest.raises(NothingToImportError, match=words.format(database.name)):
        read(mongo_uri, database=asked[0].format(database.name), collection=asked[1])


class _Cursors(monitoring.CommandListener):
    """Which cursors a server has opened."""

    def __init__(self) -> None:
        self.ids: list[int] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Nothing to keep."""

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Keep what `find` opened."""
        if event.command_name == "find":
            self.ids.append(event.reply["cursor"]["id"])

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing to keep."""


def test_a_lost_cursor_is_taken_up_after_its_last_document(mongo_uri: str, database: Database[Any]) -> None:
    """Twice in one collection: no document is lost and none comes twice, and the waits begin anew each time."""
    database[_COLLECTION].insert_many(crops(3500))
    cursors, waited = _Cursors(), list[float]()
    with MongoClient[Any](mongo_uri, event_listeners=[cursors]) as client:
        reads = client[database.name].get_collection(_COLLECTION, codec_options=RAW_OPTIONS)
        address = Address.parse(mongo_uri)
        source = LiveSource(address, f"{database.name}/v0003", ImportKind.CROPS, reads, (0.5, 1.0), waited.append)
        documents = source.documents()
        found = numbers(islice(documents, 10))
        database.command("killCursors", _COLLECTION, cursors=[cursors.ids[-1]])
        found += numbers(islice(documents, 1500))
        database.command("killCursors", _COLLECTION, cursors=[cursors.ids[-1]])
        found += numbers(documents)
    assert found == list(range(3500))
    assert waited == [0.5, 0.5]


def test_a_reset_connection_is_taken_up_after_its_last_document(mongo_uri: str, database: Database[Any]) -> None:
    """Without a document lost or met twice."""
    database[_COLLECTION].insert_many(crops(2500))
    waited: list[float] = []
    with run_hop(mongo_uri) as hop, opened(hop.in_front_of(mongo_uri), database.name, sleep=waited.append) as source:
        documents = source.documents()
        found = numbers(islice(documents, 10))
        hop.n_reads_to_cut = 1
        found += numbers(documents)
        assert hop.n_reads_to_cut == 0
    assert found == list(range(2500))
    assert waited == [0.5]


def test_a_connection_that_is_always_cut_ends_the_reading(mongo_uri: str, database: Database[Any]) -> None:
    """After as many waits as are given without a document between them; what to do is said."""
    database[_COLLECTION].insert_many(crops(1500))
    waited: list[float] = []
    with run_hop(mongo_uri) as hop:
        uri = hop.in_front_of(mongo_uri)
        with opened(uri, database.name, waits_seconds=(1, 2), sleep=waited.append) as source:
            documents = source.documents()
            assert len(list(islice(documents, 1000))) == 1000
            hop.n_reads_to_cut = 10**9
            with pytest.raises(ImportFailedError, match=r"the connection was lost again and again: .*run it again"):
                list(documents)
    assert waited == [1, 2]


def test_a_killed_server_is_said_in_seconds_and_the_next_run_does_the_rest() -> None:
    """Started again on what it had stored, it gives exactly what was not read before."""
    with run_mongo() as server:
        with MongoClient[Any](server.uri) as client:
            client.crops[_COLLECTION].insert_many(crops(3000))
        began = time.monotonic()
        with opened(server.uri, sleep=lambda _: None) as source:
            documents = source.documents()
            found = list(islice(documents, 100))
            server.kill()
            with pytest.raises(ImportFailedError, match=r"cannot reach the server: .*run it again"):
                found.extend(documents)  # what came before it failed counts
            assert time.monotonic() - began < 20
        last = found[-1]
        assert isinstance(last, Document)
        server.start()
        with opened(server.uri) as source:
            rest = numbers(source.documents(after=last.key))
    assert len(found) >= 100
    assert numbers(iter(found)) + rest == list(range(3000))


@pytest.fixture(scope="module")
def guarded() -> Iterator[MongoServer]:
    """A server that wants a login: `reader` may read `crops`, and nothing else."""
    with run_mongo() as server:
        with MongoClient[Any](server.uri) as client:
            client.crops[_COLLECTION].insert_many(crops(3))
            client.other[_COLLECTION].insert_many(crops(3))
        server.make_user("reader", _PASSWORD, "crops")
        server.kill()
        server.start("--auth")
        yield server


@pytest.fixture(scope="module")
def over_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MongoServer, Path]]:
    """A server over TLS, and the file of the authority that signed it."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for part in certificate.cert_chain_pems:
        part.write_to_path(folder / "chain.pem", append=True)
    with run_mongo() as server:
        with MongoClient[Any](server.uri) as client:
            client.crops[_COLLECTION].insert_many(crops(3))
        server.kill()
        server.start("--tls-cert-file", str(folder / "chain.pem"), "--tls-key-file", str(folder / "key.pem"))
        yield server, folder / "authority.pem"


def test_a_user_who_may_only_read_is_enough(guarded: MongoServer) -> None:
    """A login in the address, its password escaped; place and words never hold it."""
    with opened(guarded.uri_of("reader", _ESCAPED)) as source:
        assert numbers(source.documents()) == [0, 1, 2]
        assert source.place == f"mongodb://127.0.0.1:{guarded.port}"
        assert "S3cr3t" not in repr(source)
    assert len(read(guarded.uri_of("reader", _ESCAPED), database="crops")) == 3


def test_tls_works_with_the_authority_that_the_address_names(over_tls: tuple[MongoServer, Path]) -> None:
    """Options of the address are the driver's."""
    server, authority = over_tls
    assert len(read(f"{server.uri}&tls=true&tlsCAFile={authority}", database="crops")) == 3


def _wrong_password(server: MongoServer) -> str:
    return server.uri_of("reader", "S3cr3t-wr%6Fng")


def _no_login(server: MongoServer) -> str:
    return server.uri


def _gone(server: MongoServer) -> str:
    return server.uri_of("reader", _ESCAPED).replace(str(server.port), "1")


_REFUSED = {
    "wrong password": (_wrong_password, "crops", "the server refuses the user or the password"),
    "no login": (_no_login, "crops", "the server wants a user and a password"),
    "not allowed": (lambda server: server.uri_of("reader", _ESCAPED), "other", "the user may not read there"),
    "unreachable": (_gone, "crops", "cannot reach the server: mongodb://127.0.0.1:1/crops/v0003"),
    "no TLS there": (
        lambda server: server.uri_of("reader", _ESCAPED, "&tls=true"),
        "crops",
        "cannot reach the server",
    ),
}


@pytest.mark.parametrize(("make_uri", "database", "words"), _REFUSED.values(), ids=_REFUSED)
def test_what_a_server_refuses_is_said_without_the_password(
    guarded: MongoServer, make_uri: Any, database: str, words: str
) -> None:
    """What failed, where, and what to do; no spelling of the password in any word, nor in what a log would show."""
    with pytest.raises(ImportFailedError) as caught:
        read(make_uri(guarded), database=database, collection=_COLLECTION)
    assert words in str(caught.value)
    assert caught.value.exit_code == 1
    assert not _secrets_in(caught.value)


def _secrets_in(error: CatalogError) -> list[str]:
    import traceback

    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    # The source's lines that a trace shows hold the names of this file's constants, not their values.
    return [secret for secret in ("S3cr3t-of", "S3cr3t-wr", "lab@2", "lab%402", "Sesam") if secret in shown]


def test_a_certificate_of_an_unknown_authority_is_said_so(over_tls: tuple[MongoServer, Path]) -> None:
    """The server is not asked anything then."""
    server, _ = over_tls
    with pytest.raises(ImportFailedError, match=r"cannot reach the server over TLS: .*certificate verify failed"):
        read(f"{server.uri}&tls=true", database="crops")


_ADDRESSES = {
    "unescaped @": "mongodb://u:S3cr3t-of@lab@2@host/",
    "unescaped /": "mongodb://u:S3cr3t-of/lab@host/",
    "unescaped ?": "mongodb://u:S3cr3t-of?lab@host/",
    "digits and /": "mongodb://Sesam:123/S3cr3t-of@host",
    "unescaped %": "mongodb://u:S3cr3t-of%@host/",
    "unescaped :": "mongodb://u:S3cr3t-of:2@host/",
    "no host": "mongodb://u:S3cr3t-of",
    "no host at all": "mongodb://",
    "port": "mongodb://u:S3cr3t-of@host:x/",
    "option": "mongodb://u:S3cr3t-of@host/?noSuchOption=1",
    "value": "mongodb://u:S3cr3t-of@host/?socketTimeoutMS=x",
    "no key file": "mongodb://host/?tls=true&tlsCertificateKeyFile=/no/file&tlsCertificateKeyFilePassword=S3cr3t-of",
    "mechanism": "mongodb://u:S3cr3t-of@host/?authMechanism=S3cr3t-of",
    "no name": "mongodb+srv://u:S3cr3t-of@no-such-host.invalid/",
    "scheme": "mongo://u:S3cr3t-of@host/",
    "postgresql": "postgresql://u:S3cr3t-of@host/",
    "one slash": "mongodb:/u:S3cr3t-of@host/",
    "no scheme": "u:S3cr3t-of@host",
}


@pytest.mark.parametrize("uri", _ADDRESSES.values(), ids=_ADDRESSES)
def test_an_address_that_is_none_is_said_without_the_password(uri: str) -> None:
    """Exit 2; whatever part of the text may be a password is not shown."""
    with pytest.raises(ImportUsageError) as caught:
        read(uri)
    assert caught.value.exit_code == 2
    assert not _secrets_in(caught.value)


def test_time_outs_are_ours_unless_the_address_sets_them() -> None:
    """A server that falls silent is given up after a minute, not never."""
    from catalog.mongo.server import connect

    for options, expected in (("", (10, 10, 60)), ("?socketTimeoutMS=5000&serversELECTIONtimeoutMS=2000", (2, 10, 5))):
        with connect(Address.parse(f"mongodb://127.0.0.1:1/{options}")) as client:
            pool = client.options.pool_options
            assert (client.options.server_selection_timeout, pool.connect_timeout, pool.socket_timeout) == expected
