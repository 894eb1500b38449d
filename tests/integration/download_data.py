#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples/download_data.sh against a server on this machine: continued, checked, atomic, and clear when it fails."""
import hashlib
import http.server
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "examples/download_data.sh"


def archive_of(folder):
    """A small stand-in: 2 images of each class, declared as own data."""
    records = b"".join(bytes([0, i % 100]) + bytes([i % 256]) * 3072 for i in range(200))
    files = {"train.bin": records, "test.bin": records[:3074 * 100]}
    files["SHA256SUMS"] = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Server(http.server.ThreadingHTTPServer):
    def __init__(self, files):
        self.files = files
        self.requests = []  # (path, Range)
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        wanted = self.headers.get("Range")
        self.server.requests.append((self.path, wanted))
        data = self.server.files.get(self.path.replace("/whole", ""))
        if data is None:
            self.send_error(404)
            return
        begin = 0
        if wanted and not self.path.startswith("/whole"):
            begin = int(wanted.removeprefix("bytes=").split("-")[0])
            if begin >= len(data):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - begin))
        self.end_headers()
        self.wfile.write(data[begin:])

    def log_message(self, *_):
        pass


def main():
    if not shutil.which("curl") and not shutil.which("wget"):
        print("LLMNAS_SKIP: neither curl nor wget is installed")
        return 77
    good = archive_of("cifar-100-binary")
    sums = {"good": hashlib.sha256(good).hexdigest()}
    other = archive_of("something-else")
    server = Server({"/good.tar.gz": good, "/other.tar.gz": other})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}

    def run(*arguments, code=0, says=""):
        done = subprocess.run(["bash", str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, timeout=120,
                              env=environment, stdin=subprocess.DEVNULL)
        assert done.returncode == code, (arguments, done)
        assert says in done.stdout + done.stderr, (says, done)

    def get(target, path="/good.tar.gz", checksum=sums["good"], **expected):
        run("cifar100", target, "--url", base + path, "--sha256", checksum, **expected)

    with tempfile.TemporaryDirectory() as name:
        top = pathlib.Path(name)

        def left(target):
            return sorted(p.name for p in target.iterdir())

        # From nothing, then again.
        get(top / "a", says="done: llmnas search --data")
        assert left(top / "a") == ["cifar-100-binary"], left(top / "a")
        requests = len(server.requests)
        get(top / "a", says="is already there")
        assert len(server.requests) == requests
        # The program takes it.
        done = subprocess.run(
            [os.environ["LLMNAS_PROGRAM"], "search", "--data", str(top / "a"), "--out", str(top / "study"), "--resolution",
             "32", "--images", "100", "--epochs", "1", "--batch", "50", "--hold-out", "100", "--recipe", "quick", "--threads",
             "1", "--trials", "1", "--proposer", "random"], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 and "data: CIFAR-100 in" in done.stderr, done
        # Continued behind what is there: only the rest is fetched.
        (top / "b").mkdir()
        (top / "b/cifar-100-binary.tar.gz.part").write_bytes(good[:100])
        get(top / "b", says="continuing behind 100 bytes")
        assert server.requests[-1] == ("/good.tar.gz", "bytes=100-"), server.requests[-1]
        assert left(top / "b") == ["cifar-100-binary"]
        # What is complete is not fetched again; what belongs to another archive, or a server without ranges, is.
        for content, path in ((good, "/good.tar.gz"), (b"x" * 50, "/good.tar.gz"), (good + b"x", "/good.tar.gz"),
                              (good[:100], "/whole/good.tar.gz")):
            shutil.rmtree(top / "b/cifar-100-binary")
            (top / "b/cifar-100-binary.tar.gz.part").write_bytes(content)
            requests = len(server.requests)
            get(top / "b", path)
            assert left(top / "b") == ["cifar-100-binary"], left(top / "b")
            assert (len(server.requests) == requests) == (content == good)
        # A wrong archive is named and leaves nothing.
        get(top / "c", "/other.tar.gz", code=1, says=f"wrong checksum, deleted (got {hashlib.sha256(other).hexdigest()}, wanted")
        assert left(top / "c") == []
        get(top / "c", "/other.tar.gz", hashlib.sha256(other).hexdigest(), code=1, says="holds no folder cifar-100-binary")
        assert not (top / "c/cifar-100-binary").exists() and not list((top / "c").glob(".unpacking*"))
        get(top / "d", "/none.tar.gz", code=1, says="cannot download")
        # The published archive's checksum holds where no other is given.
        run("cifar10", top / "d", "--url", base + "/good.tar.gz", code=1, says="wanted c4a38c50a1bc5f3a")
        run("mnist", code=2, says="unknown data set mnist")
        run("--url", code=2, says="--url needs a value")
        run("cifar10", top / "e", "--url", "ftp://example.org/x", code=2, says="neither https:// nor http://")
        run("cifar10", top / "e", "--sha256", "12", code=2, says="64 hexadecimal digits")
        (top / "file").write_text("")
        run("cifar10", top / "file", "--url", base + "/good.tar.gz", code=1, says="cannot make the directory")
    server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
