"""Runs a program under a seccomp profile in the form of container runtimes, as they would: seccomp.py PROFILE PROGRAM
ARGUMENT… Also asks what the filter says to single calls."""

import ctypes
import errno
import functools
import json
import os
import platform
import re
import struct
import subprocess
import sys

MACHINES = {"x86_64": ("SCMP_ARCH_X86_64", 0xC000003E), "aarch64": ("SCMP_ARCH_AARCH64", 0xC00000B7)}
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
LOAD, EQUAL, AT_LEAST, AND, RETURN = 0x20, 0x15, 0x35, 0x54, 0x06  # of classic BPF, on 32 bits
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # where struct seccomp_data has them
X32 = 0x40000000  # the other ABI of an x86_64 kernel: numbers with this bit
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, MODE_FILTER = 22, 38, 2


@functools.cache
def numbers():
    """Name -> number of the system calls of this machine."""
    made = subprocess.run(
        ["gcc", "-E", "-dM", "-"], input="#include <asm/unistd.h>", capture_output=True, text=True, check=True
    ).stdout
    return {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", made)}


def step(code, value, true=0, false=0):
    return struct.pack("HBBI", code, true, false, value)


def allow(number, conditions):
    """The steps that allow it, or go on behind them."""
    test = []
    for one in conditions:
        assert one["op"] == "SCMP_CMP_MASKED_EQ" and one["value"] < 1 << 32
        test += [(LOAD, ARGUMENTS + 8 * one["index"]), (AND, one["value"]), (EQUAL, one.get("valueTwo", 0))]
    steps, left = [], len(test) + 1
    steps.append(step(EQUAL, number, 0, left))
    for at, (code, value) in enumerate(test):
        steps.append(step(code, value, 0, len(test) - at if code == EQUAL else 0))
    return [*steps, step(RETURN, ALLOW), *([step(LOAD, NUMBER)] if test else [])]


def filter_of(profile):
    """The program that the kernel runs at each call. A call that this machine does not have is passed over."""
    name, machine = MACHINES[platform.machine()]
    assert name in profile["architectures"] and profile["defaultAction"] == "SCMP_ACT_ERRNO"
    steps = [step(LOAD, ARCHITECTURE), step(EQUAL, machine, 1, 0), step(RETURN, KILL), step(LOAD, NUMBER)]
    refuse = step(RETURN, ERRNO | profile["defaultErrnoRet"])
    steps += [step(AT_LEAST, X32, 0, 1), refuse]
    for rule in profile["syscalls"]:
        assert rule["action"] == "SCMP_ACT_ALLOW"
        for name in rule["names"]:
            if name in numbers():
                steps += allow(numbers()[name], rule.get("args", []))
    return [*steps, refuse]


def confine(path):
    """This process, and what it becomes."""
    with open(path, encoding="utf-8") as file:
        steps = filter_of(json.load(file))
    code = ctypes.create_string_buffer(b"".join(steps))
    program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    for call in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, MODE_FILTER, program, 0, 0)):
        if libc.prctl(*call):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def answer(name):
    """How the filter answers to the call, with arguments that no kernel likes: a name of errno."""
    libc = ctypes.CDLL(None, use_errno=True)
    wrong = ctypes.c_long(-1)
    libc.syscall(ctypes.c_long(numbers()[name]), wrong, wrong, wrong, wrong, wrong, wrong)
    return errno.errorcode[ctypes.get_errno()]


if __name__ == "__main__":
    if sys.argv[2] == "--ask":
        numbers()  # asks the compiler
        confine(sys.argv[1])
        print("\n".join(answer(name) for name in sys.argv[3:]))
    else:
        confine(sys.argv[1])
        os.execv(sys.argv[2], sys.argv[2:])
