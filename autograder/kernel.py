"""The few calls to the Linux kernel that Python's standard library lacks.

Every function raises OSError with the kernel's own reason. Importing this module
works everywhere; calling it works on Linux. Sources: the manual pages named in
the docstrings, and the kernel's Documentation/userspace-api/landlock.rst.
"""

import ctypes
import os
import struct
import sys
import tempfile

# The same number on every processor, as for all system calls since Linux 5.1.
MOUNT_SETATTR = 442
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _call(function, *arguments):
    """Call a function of the C library; a negative answer becomes an OSError."""
    if _libc is None:
        raise OSError(f"{function} needs Linux; this is {sys.platform}.")
    result = getattr(_libc, function)(*arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{function}: {os.strerror(error)}")
    return result


def _bytes(path):
    return None if path is None else os.fsencode(path)


# ---- what a process is allowed to become: prctl(2), capabilities(7) ----------

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 22, 24
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS = 36, 38, 39
PR_GET_DUMPABLE, PR_CAP_AMBIENT = 3, 47


def prctl(option, value=0):
    """Set one property of this process."""
    zero = ctypes.c_ulong(0)
    return _call("prctl", option, ctypes.c_ulong(value), zero, zero, zero)


def trace_me():
    """Let the parent trace this process: ptrace(2)."""
    _call("ptrace", 0, 0, None, None)


CAP_SETPCAP = 8
_CAPABILITY_HEADER = struct.pack("Ii", 0x20080522, 0)  # version 3, this thread


def held_capabilities():
    """The capabilities this process can use now, as bits."""
    sets = ctypes.create_string_buffer(24)
    _call("capget", _CAPABILITY_HEADER, sets)
    effective = struct.unpack("6I", sets.raw)[0::3]
    return effective[0] | effective[1] << 32


def shrink_bounding_set():
    """Make sure that no program started later brings a capability back.

    Without CAP_SETPCAP the set can't shrink; no_new_privs then does this alone.
    """
    if not held_capabilities() & 1 << CAP_SETPCAP:
        return
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:  # past the last one this kernel knows
            return


def drop_capabilities():
    """Give up all capabilities, and gain none by starting a program."""
    prctl(PR_CAP_AMBIENT, 4)  # clear all
    _call("capset", _CAPABILITY_HEADER, bytes(24))
    prctl(PR_SET_NO_NEW_PRIVS, 1)


# ---- namespaces(7) and mounts ------------------------------------------------

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000

MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND = 2, 4, 8, 4096
MS_REC, MS_PRIVATE = 16384, 1 << 18
ATTR_READ_ONLY, ATTR_NO_SUID, ATTR_NO_DEVICES = 1, 2, 4


def unshare(flags):
    """Leave the namespaces named by flags for new ones."""
    _call("unshare", flags)


def mount(source, target, kind=None, flags=0, options=None):
    """Mount `source` at `target`."""
    texts = [_bytes(source), _bytes(target), _bytes(kind)]
    _call("mount", *texts, ctypes.c_ulong(flags), _bytes(options))


def restrict_mount(path, attributes):
    """Add attributes to the mount at `path` and to all beneath it: mount_setattr(2)."""
    wanted = struct.pack("QQQQ", attributes, 0, 0, 0)
    here, recursive = -100, 0x8000
    size = ctypes.c_size_t(len(wanted))
    _call("syscall", MOUNT_SETATTR, here, _bytes(path), recursive, wanted, size)


def change_root(folder):
    """Make the mount at `folder` the root and let go of the old one: pivot_root(2)."""
    os.chdir(folder)
    _call("pivot_root", b".", b".")  # the old root now lies over the new one
    detach = 2
    _call("umount2", b".", detach)
    os.chdir("/")


# ---- landlock(7) -------------------------------------------------------------

EXECUTE, WRITE_FILE = 1 << 0, 1 << 1
LIST = 1 << 3  # see the names in a folder
READ = LIST | 1 << 2
WRITE = READ | WRITE_FILE | sum(1 << bit for bit in (4, 5, 7, 8, 10, 12, 13, 14))
ON_FILES = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15  # what has a meaning there


def landlock_version():
    """The version of Landlock's interface; raises OSError where there is none."""
    return _call("syscall", LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), 1)


def landlock(rights):
    """Forbid every use of files but these, TCP, and signals to the outside.

    rights: (path, bits) pairs, bits of READ or WRITE; paths that this user can't
    reach are passed over. Older kernels know fewer kinds of use, as
    landlock_version() tells.
    """
    version = landlock_version()
    files = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    network = 0b11 if version >= 4 else 0  # bind and connect of TCP
    scopes = 0b11 if version >= 6 else 0  # abstract sockets, signals
    fields = 3 if version >= 6 else 2 if version >= 4 else 1
    rules = struct.pack("QQQ"[:fields], *[files, network, scopes][:fields])
    size = ctypes.c_size_t(len(rules))
    ruleset = _call("syscall", LANDLOCK_CREATE_RULESET, rules, size, 0)
    try:
        for path, bits in rights:
            _allow(ruleset, path, bits & files)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        _call("syscall", LANDLOCK_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset, path, bits):
    try:
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return
    try:
        bits = bits if os.path.isdir(path) else bits & ON_FILES
        rule = struct.pack("=Qi", bits, target)
        _call("syscall", LANDLOCK_ADD_RULE, ruleset, 1, rule, 0)
    finally:
        os.close(target)


# ---- seccomp(2), through libseccomp ------------------------------------------
# It knows the numbers of system calls on every processor and writes the filter.
# (Its binding on PyPI, pyseccomp, has had no release since January 2021.)

ALLOW, KILL_PROCESS = 0x7FFF0000, 0x80000000
EQUAL, NOT_EQUAL, MASKED_EQUAL = 4, 1, 7


def errno_action(error):
    """The action "fail with this errno"."""
    return 0x00050000 | error


class _Comparison(ctypes.Structure):
    _fields_ = [
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    ]


def libseccomp():
    """The C library; raises OSError where it isn't installed."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    return library


def seccomp_program(default, rules):
    """A filter that ends every system call in the action of its rule, or `default`.

    rules: (action, name, comparisons) where a comparison is (argument, operator,
    value) or (argument, MASKED_EQUAL, mask, value), and all of them must hold.
    Names this processor lacks are passed over. A 32-bit call kills the process.
    Returns the bytes that seccomp() takes.
    """
    library = libseccomp()
    table = ctypes.c_void_p(library.seccomp_init(default))
    try:
        bad_architecture = 2
        _check(library.seccomp_attr_set(table, bad_architecture, KILL_PROCESS))
        for action, name, comparisons in rules:
            number = library.seccomp_syscall_resolve_name(name.encode())
            if number >= 0:
                array = (_Comparison * len(comparisons))(*comparisons)
                count = len(comparisons)
                add = library.seccomp_rule_add_array
                _check(add(table, action, number, count, array), name)
        with tempfile.TemporaryFile() as file:
            _check(library.seccomp_export_bpf(table, file.fileno()))
            file.seek(0)
            return file.read()
    finally:
        library.seccomp_release(table)


def seccomp(program):
    """Put a filter on this process and its children, for good."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    code = ctypes.create_string_buffer(program, len(program))
    instruction = 8  # bytes
    header = struct.pack(
        "HxxxxxxP", len(program) // instruction, ctypes.addressof(code)
    )
    filters, zero = 2, ctypes.c_ulong(0)
    _call("prctl", PR_SET_SECCOMP, ctypes.c_ulong(filters), header, zero, zero)


def _check(result, name="seccomp"):
    if result < 0:
        raise OSError(-result, f"seccomp, {name}: {os.strerror(-result)}")
