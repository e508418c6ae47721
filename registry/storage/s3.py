"""Bytes in a bucket that speaks S3: checked by the store on arrival, visible only when complete."""

import base64
import hashlib
import io
import logging
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import IO, Any, Self
from urllib.parse import quote

import boto3
import botocore.exceptions
import urllib3.exceptions
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from django.utils.translation import gettext as _

from registry.errors import StorageFull, StorageUnavailable

log = logging.getLogger(__name__)

# 10,000 parts are the most that a store takes: enough for 80 GB
PART = 8 * 1024**2
PARTS_AT_ONCE = 2
TRIES = 3
# One request copies at most 5 GiB
COPY_WHOLE, COPY_PIECE = 4 * 1024**3, 512 * 1024**2
MISSING = {"NoSuchKey", "NoSuchUpload", "404", "NotFound"}
_asked_by: ContextVar[str] = ContextVar("_asked_by", default="")
FULL = {"InsufficientStorage", "QuotaExceeded", "XMinioStorageFull", "507", "EntityTooLarge"}


@dataclass(frozen=True)
class Address:
    """Which bucket, where, and with which key."""

    bucket: str
    endpoint: str
    public_endpoint: str
    region: str
    access_key: str
    secret_key: str
    addressing: str


class S3Bucket:
    """A back end in a bucket, below a prefix that ends with `/`."""

    def __init__(self, address: Address, prefix: str) -> None:
        self.bucket = address.bucket
        self.prefix = prefix
        self.client = _client(address, address.endpoint)
        # The signature covers the host name, so links are made with the one that people see
        self._signer = _client(address, address.public_endpoint or address.endpoint)
        self._signer.meta.events.register("before-sign.s3", _name_the_request)

    @contextmanager
    def incoming(self, *, size: int, key: str = "") -> Iterator["_Incoming"]:
        if size <= PART:
            yield _InMemory(self)
        elif not key:
            with tempfile.TemporaryFile() as spool:
                yield _Spooled(self, spool, size)
        else:
            parts = _Parts(self, key, size)
            try:
                yield parts
            finally:
                parts.close()

    def open(self, key: str, first: int = 0, length: int | None = None) -> "_Content":
        return _Content(self, self.prefix + key, first, length)

    def size(self, key: str) -> int | None:
        try:
            with store_errors():
                found = self.client.head_object(Bucket=self.bucket, Key=self.prefix + key)
        except FileNotFoundError:
            return None
        return int(found["ContentLength"])

    def delete(self, key: str) -> None:
        with store_errors():
            self.client.delete_object(Bucket=self.bucket, Key=self.prefix + key)

    def keys(self, prefix: str) -> Iterator[tuple[str, int]]:
        with store_errors():
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix + prefix
            )
            for page in pages:
                for item in page.get("Contents", []):
                    yield item["Key"].removeprefix(self.prefix), int(item["Size"])

    def free_bytes(self) -> int:
        """A store does not say; it refuses when it is full."""
        return 2**63 - 1

    def clear_abandoned(self, *, before: float) -> int:
        removed = 0
        with store_errors():
            pages = self.client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self.bucket, Prefix=self.prefix
            )
            for page in pages:
                for upload in page.get("Uploads", []):
                    if upload["Initiated"].timestamp() < before:
                        self.abort(upload["Key"].removeprefix(self.prefix), upload["UploadId"])
                        removed += 1
        return removed

    # Uploads in parts

    def begin(self, key: str) -> str:
        with store_errors():
            upload = self.client.create_multipart_upload(Bucket=self.bucket, Key=self.prefix + key)
        return str(upload["UploadId"])

    def complete(self, key: str, upload: str, parts: Sequence[dict[str, Any]]) -> None:
        with store_errors():
            self.client.complete_multipart_upload(
                Bucket=self.bucket,
                Key=self.prefix + key,
                UploadId=upload,
                MultipartUpload={"Parts": parts},
            )

    def abort(self, key: str, upload: str) -> None:
        with store_errors(), suppress(FileNotFoundError):
            self.client.abort_multipart_upload(
                Bucket=self.bucket, Key=self.prefix + key, UploadId=upload
            )

    def copy_from(self, other: "S3Bucket", source: str, key: str) -> None:
        """Have the store copy, without a byte coming here."""
        config = TransferConfig(multipart_threshold=COPY_WHOLE, multipart_chunksize=COPY_PIECE)
        with store_errors():
            self.client.copy(
                {"Bucket": other.bucket, "Key": other.prefix + source},
                self.bucket,
                self.prefix + key,
                Config=config,
            )

    # Links

    def link(self, key: str, *, seconds: int, request: str, headers: dict[str, str]) -> str:
        """An address that gives these bytes to whoever has it, for so long. The request that it
        was made for stands in it, so that the store's own log can be laid beside ours."""
        shown = {f"Response{name.replace('-', '')}": value for name, value in headers.items()}
        return self._sign("get_object", {"Key": self.prefix + key, **shown}, seconds, request)

    def part_link(
        self, key: str, upload: str, number: int, *, size: int, seconds: int, request: str
    ) -> str:
        """An address that takes this part, of exactly this size, by PUT."""
        wanted = {
            "Key": self.prefix + key,
            "UploadId": upload,
            "PartNumber": number,
            "ContentLength": size,
        }
        return self._sign("upload_part", wanted, seconds, request)

    def _sign(self, method: str, wanted: dict[str, Any], seconds: int, request: str) -> str:
        token = _asked_by.set(request)
        try:
            url: str = self._signer.generate_presigned_url(
                method, Params={"Bucket": self.bucket, **wanted}, ExpiresIn=seconds
            )
        finally:
            _asked_by.reset(token)
        return url


class _InMemory:
    """Few bytes: one request, whose checksum the store compares before it keeps anything."""

    def __init__(self, store: S3Bucket) -> None:
        self._store = store
        self._content = bytearray()

    def write(self, piece: bytes | bytearray | memoryview, /) -> None:
        self._content += piece

    def settle(self) -> None:
        """The store says at the end that it has all of it."""

    def keep(self, key: str, *, is_safe: bool = True) -> None:
        content = bytes(self._content)
        with store_errors():
            self._store.client.put_object(
                Bucket=self._store.bucket,
                Key=self._store.prefix + key,
                Body=content,
                ChecksumSHA256=_checksum(content),
            )


class _Parts:
    """Many bytes: parts go out while the next ones come in, and completing them makes the object."""

    def __init__(self, store: S3Bucket, key: str, size: int) -> None:
        self._store = store
        self._key = key
        self._part = max(PART, -(-size // 9_000))
        self._upload = store.begin(key)
        self._buffer = bytearray()
        self._sent: list[Future[dict[str, Any]]] = []
        self._threads = ThreadPoolExecutor(PARTS_AT_ONCE)
        self._is_kept = False

    def write(self, piece: bytes | bytearray | memoryview, /) -> None:
        view = memoryview(piece)
        while view:
            taken = view[: self._part - len(self._buffer)]
            self._buffer += taken
            view = view[len(taken) :]
            if len(self._buffer) == self._part:
                self._ship()

    def settle(self) -> None:
        """The store says at the end that it has all of it."""

    def keep(self, key: str, *, is_safe: bool = True) -> None:
        if key != self._key:
            raise ValueError(f"begun for {self._key}, not for {key}")
        if self._buffer:
            self._ship()
        try:
            self._store.complete(key, self._upload, [part.result() for part in self._sent])
        except FileNotFoundError as error:
            # The store did it and its answer was lost, so that it was asked again
            if self._store.size(key) is None:
                raise unavailable(error) from error
        self._is_kept = True

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        if not self._is_kept:
            # What cannot be aborted now is when abandoned uploads are cleared
            with suppress(StorageUnavailable):
                self._store.abort(self._key, self._upload)

    def _ship(self) -> None:
        if len(self._sent) >= PARTS_AT_ONCE:
            self._sent[-PARTS_AT_ONCE].result()
        content, self._buffer = bytes(self._buffer), bytearray()
        self._sent.append(self._threads.submit(self._send, len(self._sent) + 1, content))

    def _send(self, number: int, content: bytes) -> dict[str, Any]:
        checksum = _checksum(content)
        with store_errors():
            sent = self._store.client.upload_part(
                Bucket=self._store.bucket,
                Key=self._store.prefix + self._key,
                UploadId=self._upload,
                PartNumber=number,
                Body=content,
                ChecksumSHA256=checksum,
            )
        return {"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": checksum}


class _Spooled:
    """Many bytes whose name comes only at the end: on our own disk until then."""

    def __init__(self, store: S3Bucket, spool: IO[bytes], size: int) -> None:
        self._store = store
        self._spool = spool
        self._size = size

    def write(self, piece: bytes | bytearray | memoryview, /) -> None:
        self._spool.write(piece)

    def settle(self) -> None:
        """The store says at the end that it has all of it."""

    def keep(self, key: str, *, is_safe: bool = True) -> None:
        self._spool.seek(0)
        with self._store.incoming(size=self._size, key=key) as incoming:
            while piece := self._spool.read(PART):
                incoming.write(piece)
            incoming.keep(key)


_Incoming = _InMemory | _Parts | _Spooled


class _Content:
    """Bytes of an object as they come; a connection that breaks is taken up again where it broke."""

    def __init__(self, store: S3Bucket, key: str, first: int, length: int | None) -> None:
        self._store = store
        self._key = key
        self._at = first
        self._left = length
        self._body: Any = io.BytesIO() if length == 0 else self._ask()

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(PART), b""))
        for attempt in range(TRIES):
            try:
                piece: bytes = self._body.read(size)
                break
            except (botocore.exceptions.HTTPClientError, urllib3.exceptions.HTTPError) as error:
                if attempt == TRIES - 1:
                    raise unavailable(error) from error
                self._body.close()
                self._body = self._ask()
        self._at += len(piece)
        if self._left is not None:
            self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._body.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _ask(self) -> Any:
        wanted = {"Bucket": self._store.bucket, "Key": self._key}
        if self._left is not None:
            wanted["Range"] = f"bytes={self._at}-{self._at + self._left - 1}"
        elif self._at:
            wanted["Range"] = f"bytes={self._at}-"
        with store_errors():
            try:
                return self._store.client.get_object(**wanted)["Body"]
            except botocore.exceptions.ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 416:
                    raise
        return io.BytesIO()  # begins after the end


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn what boto3 raises into our own words. The store's own go to the log."""
    try:
        yield
    except botocore.exceptions.ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in MISSING:
            raise FileNotFoundError(code) from error
        if code in FULL:
            raise StorageFull(
                _(
                    "The registry's storage is full. Nothing of this upload was kept; tell the "
                    "operator and send it again later."
                )
            ) from error
        raise unavailable(error) from error
    except (botocore.exceptions.BotoCoreError, boto3.exceptions.Boto3Error) as error:
        raise unavailable(error) from error


def unavailable(error: Exception) -> StorageUnavailable:
    log.error("The store of bytes does not serve: %s", error)
    return StorageUnavailable(
        _("The registry's storage does not answer at the moment. Try again in a while.")
    )


def _client(address: Address, endpoint: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint or None,
        region_name=address.region,
        aws_access_key_id=address.access_key or None,
        aws_secret_access_key=address.secret_key or None,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": address.addressing},
            connect_timeout=5,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": TRIES},
            max_pool_connections=32,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _name_the_request(request: Any, **_rest: Any) -> None:
    """Stores leave alone what begins with `x-` in a query, and write it to their log."""
    if name := _asked_by.get():
        request.url += f"{'&' if '?' in request.url else '?'}x-request={quote(name, safe='')}"


def _checksum(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()
