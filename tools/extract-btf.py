#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the BTF that a Linux kernel image holds to a file.

  tools/extract-btf.py VMLINUZ FILE

The image may be plain, or hold a compressed kernel at any place.
"""

import gzip
import io
import lzma
import struct
import subprocess
import sys
import zlib


def btf_in(data):
    """The blob with a sane header (include/uapi/linux/btf.h), the largest if there are several."""
    best, at = None, -1
    while (at := data.find(b"\x9f\xeb\x01\x00", at + 1)) >= 0:
        if len(data) < at + 24:
            break
        length, type_off, type_len, str_off, str_len = struct.unpack_from("<5I", data, at + 4)
        end = at + length + str_off + str_len
        if length != 24 or type_off or str_off != type_len or end > len(data) or not str_len:
            continue
        if data[at + length + str_off] or data[end - 1]:  # strings begin and end with NUL
            continue
        if best is None or end - at > len(best):
            best = data[at:end]
    return best


def command(*args):
    return lambda data: subprocess.run(args, input=data, capture_output=True).stdout


def unxz(data):
    return lzma.LZMADecompressor().decompress(data)


def unlzma(data):
    return lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(data)


def ungzip(data):
    return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data)


PACKERS = [
    (b"\xfd7zXZ\0", unxz),
    (b"\x1f\x8b\x08", ungzip),
    (b"\x5d\0\0\0", unlzma),
    (b"\x28\xb5\x2f\xfd", command("zstd", "-dcq")),
    (b"\x02\x21\x4c\x18", command("lz4", "-dcq")),
]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    image = open(sys.argv[1], "rb").read()
    best = btf_in(image)
    for magic, unpack in PACKERS:
        at = -1
        while best is None and (at := image.find(magic, at + 1)) >= 0:
            try:
                best = btf_in(unpack(image[at:]))
            except (lzma.LZMAError, zlib.error, gzip.BadGzipFile, OSError, EOFError):
                continue
    if best is None:
        sys.exit(f"{sys.argv[1]}: there is no BTF in it")
    with io.open(sys.argv[2], "wb") as out:
        out.write(best)


if __name__ == "__main__":
    main()
