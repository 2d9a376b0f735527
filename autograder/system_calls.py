"""The layer seccomp: the system calls a confined process may use.

What is not named here fails with ENOSYS, "not implemented", so a call that a later
kernel adds is refused before anybody has judged it. The C library expects that
answer of an older kernel and does without. (clone3 is not named for that reason:
a filter can't read its arguments, and clone does the same.) What a student might
try by name fails with EPERM, "not permitted", which reads better.
"""

import errno
import functools

from autograder import kernel

FILES = """
    read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek
    open openat openat2 creat close close_range dup dup2 dup3 pipe pipe2
    stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2
    getdents getdents64 getcwd chdir fchdir readlink readlinkat umask
    mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat
    symlink symlinkat chmod fchmod fchmodat ftruncate fallocate fsync fdatasync
    sync_file_range utime utimes utimensat futimesat sendfile copy_file_range
    fadvise64 getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
"""
MEMORY = """
    brk mmap munmap mprotect mremap madvise msync mincore membarrier
    get_mempolicy pkey_alloc pkey_free pkey_mprotect
"""
THREADS = """
    futex set_robust_list get_robust_list set_tid_address rseq sched_yield
    sched_getaffinity sched_getparam sched_getscheduler sched_get_priority_max
    sched_get_priority_min getcpu arch_prctl exit exit_group
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigpending
    rt_sigtimedwait sigaltstack restart_syscall pause
"""
TIME = """
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times
    alarm getitimer setitimer timer_create timer_settime timer_gettime
    timer_getoverrun timer_delete timerfd_create timerfd_settime timerfd_gettime
"""
WAITING = """
    poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait
    epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4 wait4 waitid
"""
ABOUT_ITSELF = """
    getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid getgroups
    getpgid getpgrp getsid getrlimit setrlimit getrusage getpriority getrandom
    sysinfo uname capget
"""
OPEN_SOCKETS = """
    sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg shutdown getsockopt setsockopt
    getsockname getpeername
"""
ALLOWED = " ".join(
    (FILES, MEMORY, THREADS, TIME, WAITING, ABOUT_ITSELF, OPEN_SOCKETS)
).split()

NOT_PERMITTED = """
    socket connect bind listen accept accept4
    ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd
    pidfd_open pidfd_send_signal tkill rt_sigqueueinfo rt_tgsigqueueinfo
    mount umount2 pivot_root chroot fsopen fsmount move_mount open_tree mount_setattr
    unshare setns keyctl add_key request_key bpf perf_event_open userfaultfd
    io_uring_setup io_uring_enter io_uring_register memfd_create memfd_secret
    personality init_module finit_module delete_module kexec_load kexec_file_load
    reboot swapon swapoff acct quotactl settimeofday clock_settime adjtimex
    sethostname setdomainname syslog iopl ioperm open_by_handle_at name_to_handle_at
    mknod mknodat truncate chown fchown lchown fchownat setuid setgid setreuid
    setregid setresuid setresgid setgroups setfsuid setfsgid capset setpriority nice
    shmget shmat shmctl msgget semget mq_open fanotify_init inotify_init
    inotify_init1 splice tee vmsplice setxattr lsetxattr fsetxattr seccomp
    mbind set_mempolicy migrate_pages move_pages sched_setscheduler sched_setattr
""".split()

NEW_PROCESSES = ("fork", "vfork", "setsid", "setpgid")
CLONE_THREAD = 0x10000
CLONE_NAMESPACES = 0x7E020080  # every kind of new namespace
AF_UNIX, SOCK_STREAM, SOCK_KINDS = 1, 1, 0xF
# Is it a terminal (asked in two ways), what is its size, how much can be read, close
# on exec, don't wait (so not TIOCSTI, which types into the instructor's terminal).
IOCTLS = (0x5401, 0x802C542A, 0x5413, 0x541B, 0x5450, 0x5451, 0x5421)
# F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_GETPIPE_SZ,
# F_GET_SEALS (so not F_SETOWN, which has signals sent to others, and no locks: all
# sandboxes see the same library and /dev/null, and a lock there is a message).
FCNTLS = (0, 1, 2, 3, 4, 1030, 1032, 1034)
# PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_CAPBSET_READ, PR_GET_NO_NEW_PRIVS,
# PR_SET_VMA (the C library names its memory with it).
PRCTLS = (15, 16, 3, 23, 39, 0x53564D41)


@functools.cache
def program(processes, programs, own):
    """The filter that allows only what is listed, as kernel.seccomp takes it.

    processes: may it fork? programs: may it start programs? own: its process id.
    Writing it takes 15 ms, so a server does it before it forks.
    """
    rules = _rules(processes, programs, own)
    return kernel.seccomp_program(kernel.errno_action(errno.ENOSYS), rules)


def _rules(processes, programs, own):
    """All rules, as kernel.seccomp takes them."""
    refuse = kernel.errno_action(errno.EPERM)
    equal, not_equal, masked = kernel.EQUAL, kernel.NOT_EQUAL, kernel.MASKED_EQUAL
    allowed = [*ALLOWED, *(NEW_PROCESSES if processes else ())]
    allowed += ["execve"] if programs else []
    rules = [(kernel.ALLOW, name, ()) for name in allowed]
    refused = [*NOT_PERMITTED, *NEW_PROCESSES, "execve", "execveat"]
    rules += [(refuse, name, ()) for name in refused if name not in allowed]

    # Threads; processes only if asked; new namespaces never.
    bit = 0 if processes else CLONE_THREAD
    rules.append((kernel.ALLOW, "clone", [(0, masked, CLONE_NAMESPACES | bit, bit)]))
    if not processes:
        rules.append((refuse, "clone", [(0, masked, CLONE_THREAD, 0)]))
    # Signals to itself; to its children if it may have some.
    for name in ("kill", "tgkill"):
        if processes:
            rules.append((kernel.ALLOW, name, ()))
        else:
            rules.append((kernel.ALLOW, name, [(0, equal, own)]))
            rules.append((refuse, name, [(0, not_equal, own)]))
    # Its own limits and processors only.
    rules += [
        (action, name, [(0, operator, 0)])
        for name in ("prlimit64", "sched_setaffinity")
        for action, operator in ((kernel.ALLOW, equal), (refuse, not_equal))
    ]
    # asyncio's loop wakes itself through such a pair. Datagrams could be sent away.
    pair = [(0, equal, AF_UNIX), (1, masked, SOCK_KINDS, SOCK_STREAM)]
    rules.append((kernel.ALLOW, "socketpair", pair))
    rules += [(kernel.ALLOW, "ioctl", [(1, equal, request)]) for request in IOCTLS]
    rules += [(kernel.ALLOW, "fcntl", [(1, equal, command)]) for command in FCNTLS]
    rules += [(kernel.ALLOW, "prctl", [(0, equal, option)]) for option in PRCTLS]
    return rules
