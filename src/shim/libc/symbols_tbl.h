/* SPDX-License-Identifier: MIT */
/*
 * Every libc function that the preload object replaces, once.
 *
 *	SYMBOL(result, name, arguments)	a hook; NEXT(name) is the function behind it
 *	ALIAS(name, of)			the same code under another name: on 64-bit machines off_t is
 *					off64_t, and glibc has one function for both names
 *
 * From the list come the declarations of the hooks, which is also what exports them, the table
 * of next symbols, and the check of the test suite that the object exports this and no more.
 */

/* open: hooks_open.c */
SYMBOL(int, open, (const char *path, int flags, ...))
SYMBOL(int, openat, (int dir, const char *path, int flags, ...))
SYMBOL(int, creat, (const char *path, mode_t mode))
SYMBOL(int, __open_2, (const char *path, int flags))
SYMBOL(int, __openat_2, (int dir, const char *path, int flags))
SYMBOL(int, open_by_handle_at, (int mount, struct file_handle *file, int flags))
ALIAS(open64, open)
ALIAS(openat64, openat)
ALIAS(creat64, creat)
ALIAS(__open64_2, __open_2)
ALIAS(__openat64_2, __openat_2)
ALIAS(__open, open)
ALIAS(__open64, open)

/* advice: hooks_advise.c */
SYMBOL(int, posix_fadvise, (int fd, off_t offset, off_t n, int advice))
SYMBOL(ssize_t, readahead, (int fd, off64_t offset, size_t n))
ALIAS(posix_fadvise64, posix_fadvise)

/* read: hooks_read.c, hooks_readv.c */
SYMBOL(ssize_t, read, (int fd, void *buf, size_t n))
SYMBOL(ssize_t, pread, (int fd, void *buf, size_t n, off_t offset))
SYMBOL(ssize_t, __read_chk, (int fd, void *buf, size_t n, size_t room))
SYMBOL(ssize_t, __pread_chk, (int fd, void *buf, size_t n, off_t offset, size_t room))
SYMBOL(ssize_t, readv, (int fd, const struct iovec *iov, int count))
SYMBOL(ssize_t, preadv, (int fd, const struct iovec *iov, int count, off_t offset))
SYMBOL(ssize_t, preadv2, (int fd, const struct iovec *iov, int count, off_t offset, int flags))
ALIAS(__read, read)
ALIAS(pread64, pread)
ALIAS(__pread64, pread)
ALIAS(__pread64_chk, __pread_chk)
ALIAS(preadv64, preadv)
ALIAS(preadv64v2, preadv2)

/* the position: hooks_seek.c */
SYMBOL(off_t, lseek, (int fd, off_t offset, int whence))
ALIAS(lseek64, lseek)
ALIAS(__lseek, lseek)
ALIAS(llseek, lseek)

/* descriptors: hooks_fd.c, hooks_fcntl.c */
SYMBOL(int, close, (int fd))
SYMBOL(int, dup, (int fd))
SYMBOL(int, dup2, (int fd, int to))
SYMBOL(int, dup3, (int fd, int to, int flags))
SYMBOL(int, close_range, (unsigned int first, unsigned int last, int flags))
SYMBOL(void, closefrom, (int first))
SYMBOL(int, mq_close, (mqd_t queue))
SYMBOL(int, fcntl, (int fd, int cmd, ...))
SYMBOL(int, ioctl, (int fd, unsigned long request, ...))
ALIAS(__close, close)
ALIAS(__dup2, dup2)
ALIAS(fcntl64, fcntl)
ALIAS(__fcntl, fcntl)

/* locks: hooks_lock.c */
SYMBOL(int, lockf, (int fd, int cmd, off_t n))
SYMBOL(int, flock, (int fd, int operation))
SYMBOL(int, fsync, (int fd))
SYMBOL(int, fdatasync, (int fd))
ALIAS(lockf64, lockf)

/* attributes: hooks_stat.c */
SYMBOL(int, fstat, (int fd, struct stat *st))
SYMBOL(int, stat, (const char *path, struct stat *st))
SYMBOL(int, lstat, (const char *path, struct stat *st))
SYMBOL(int, fstatat, (int dir, const char *path, struct stat *st, int flags))
SYMBOL(int, statx, (int dir, const char *path, int flags, unsigned int mask, struct statx *stx))
SYMBOL(int, __fxstat, (int version, int fd, struct stat *st))
SYMBOL(int, __xstat, (int version, const char *path, struct stat *st))
SYMBOL(int, __lxstat, (int version, const char *path, struct stat *st))
SYMBOL(int, __fxstatat, (int version, int dir, const char *path, struct stat *st, int flags))
ALIAS(fstat64, fstat)
ALIAS(stat64, stat)
ALIAS(lstat64, lstat)
ALIAS(fstatat64, fstatat)
ALIAS(__fxstat64, __fxstat)
ALIAS(__xstat64, __xstat)
ALIAS(__lxstat64, __lxstat)
ALIAS(__fxstatat64, __fxstatat)

/* names: hooks_name.c */
SYMBOL(int, access, (const char *path, int mode))
SYMBOL(int, faccessat, (int dir, const char *path, int mode, int flags))
SYMBOL(int, euidaccess, (const char *path, int mode))
SYMBOL(ssize_t, readlink, (const char *path, char *buf, size_t n))
SYMBOL(ssize_t, readlinkat, (int dir, const char *path, char *buf, size_t n))
SYMBOL(ssize_t, __readlink_chk, (const char *path, char *buf, size_t n, size_t room))
SYMBOL(ssize_t, __readlinkat_chk, (int dir, const char *path, char *buf, size_t n, size_t room))
SYMBOL(ssize_t, getxattr, (const char *path, const char *name, void *value, size_t n))
SYMBOL(ssize_t, lgetxattr, (const char *path, const char *name, void *value, size_t n))
ALIAS(eaccess, euidaccess)

/* changes of names and attributes, and what tells of a file by its descriptor: hooks_change.c */
SYMBOL(int, rename, (const char *from, const char *to))
SYMBOL(int, renameat, (int from_dir, const char *from, int to_dir, const char *to))
SYMBOL(int, renameat2,
       (int from_dir, const char *from, int to_dir, const char *to, unsigned int flags))
SYMBOL(int, link, (const char *from, const char *to))
SYMBOL(int, linkat, (int from_dir, const char *from, int to_dir, const char *to, int flags))
SYMBOL(int, symlink, (const char *target, const char *path))
SYMBOL(int, symlinkat, (const char *target, int dir, const char *path))
SYMBOL(int, unlink, (const char *path))
SYMBOL(int, unlinkat, (int dir, const char *path, int flags))
SYMBOL(int, remove, (const char *path))
SYMBOL(int, rmdir, (const char *path))
SYMBOL(int, mkdir, (const char *path, mode_t mode))
SYMBOL(int, mkdirat, (int dir, const char *path, mode_t mode))
SYMBOL(int, mkfifo, (const char *path, mode_t mode))
SYMBOL(int, mkfifoat, (int dir, const char *path, mode_t mode))
SYMBOL(int, mknod, (const char *path, mode_t mode, dev_t device))
SYMBOL(int, mknodat, (int dir, const char *path, mode_t mode, dev_t device))
SYMBOL(char *, mkdtemp, (char *path))
SYMBOL(int, chmod, (const char *path, mode_t mode))
SYMBOL(int, lchmod, (const char *path, mode_t mode))
SYMBOL(int, fchmod, (int fd, mode_t mode))
SYMBOL(int, fchmodat, (int dir, const char *path, mode_t mode, int flags))
SYMBOL(int, chown, (const char *path, uid_t user, gid_t group))
SYMBOL(int, lchown, (const char *path, uid_t user, gid_t group))
SYMBOL(int, fchown, (int fd, uid_t user, gid_t group))
SYMBOL(int, fchownat, (int dir, const char *path, uid_t user, gid_t group, int flags))
SYMBOL(int, utime, (const char *path, const struct utimbuf *times))
SYMBOL(int, utimes, (const char *path, const struct timeval times[2]))
SYMBOL(int, lutimes, (const char *path, const struct timeval times[2]))
SYMBOL(int, futimes, (int fd, const struct timeval times[2]))
SYMBOL(int, futimens, (int fd, const struct timespec times[2]))
SYMBOL(int, futimesat, (int dir, const char *path, const struct timeval times[2]))
SYMBOL(int, utimensat, (int dir, const char *path, const struct timespec times[2], int flags))
SYMBOL(int, setxattr, (const char *path, const char *name, const void *value, size_t n, int flags))
SYMBOL(int, lsetxattr, (const char *path, const char *name, const void *value, size_t n, int flags))
SYMBOL(int, fsetxattr, (int fd, const char *name, const void *value, size_t n, int flags))
SYMBOL(int, removexattr, (const char *path, const char *name))
SYMBOL(int, lremovexattr, (const char *path, const char *name))
SYMBOL(int, fremovexattr, (int fd, const char *name))
SYMBOL(ssize_t, fgetxattr, (int fd, const char *name, void *value, size_t n))
SYMBOL(ssize_t, flistxattr, (int fd, char *list, size_t n))
SYMBOL(int, fstatfs, (int fd, struct statfs *fs))
SYMBOL(int, fstatvfs, (int fd, struct statvfs *fs))
SYMBOL(long, fpathconf, (int fd, int name))
SYMBOL(int, name_to_handle_at,
       (int dir, const char *path, struct file_handle *handle, int *mount, int flags))
ALIAS(fstatfs64, fstatfs)
ALIAS(__fstatfs, fstatfs)
ALIAS(fstatvfs64, fstatvfs)

/* listings: hooks_list.c */
SYMBOL(DIR *, opendir, (const char *path))
SYMBOL(DIR *, fdopendir, (int fd))
SYMBOL(int, closedir, (DIR * dir))
SYMBOL(struct dirent *, readdir, (DIR * dir))
SYMBOL(int, readdir_r, (DIR * dir, struct dirent *entry, struct dirent **result))
SYMBOL(void, rewinddir, (DIR * dir))
SYMBOL(long, telldir, (DIR * dir))
SYMBOL(void, seekdir, (DIR * dir, long at))
SYMBOL(int, dirfd, (DIR * dir))
SYMBOL(int, scandir,
       (const char *path, struct dirent ***entries, int (*wanted)(const struct dirent *),
	int (*order)(const struct dirent **, const struct dirent **)))
SYMBOL(int, scandirat,
       (int dir, const char *path, struct dirent ***entries, int (*wanted)(const struct dirent *),
	int (*order)(const struct dirent **, const struct dirent **)))
SYMBOL(int, ftw,
       (const char *path, int (*each)(const char *, const struct stat *, int), int descriptors))
SYMBOL(int, nftw,
       (const char *path, int (*each)(const char *, const struct stat *, int, struct FTW *),
	int descriptors, int flags))
ALIAS(scandir64, scandir)
ALIAS(scandirat64, scandirat)
ALIAS(ftw64, ftw)
ALIAS(nftw64, nftw)
ALIAS(readdir64, readdir)
ALIAS(readdir64_r, readdir_r)

/* writing: hooks_write.c, hooks_resize.c */
SYMBOL(ssize_t, write, (int fd, const void *buf, size_t n))
SYMBOL(ssize_t, pwrite, (int fd, const void *buf, size_t n, off_t offset))
SYMBOL(ssize_t, writev, (int fd, const struct iovec *iov, int count))
SYMBOL(ssize_t, pwritev, (int fd, const struct iovec *iov, int count, off_t offset))
SYMBOL(ssize_t, pwritev2, (int fd, const struct iovec *iov, int count, off_t offset, int flags))
SYMBOL(int, vdprintf, (int fd, const char *format, va_list ap))
SYMBOL(int, dprintf, (int fd, const char *format, ...))
SYMBOL(int, __vdprintf_chk, (int fd, int flag, const char *format, va_list ap))
SYMBOL(int, __dprintf_chk, (int fd, int flag, const char *format, ...))
SYMBOL(void, backtrace_symbols_fd, (void *const *addresses, int count, int fd))
SYMBOL(ssize_t, send, (int fd, const void *buf, size_t n, int flags))
SYMBOL(ssize_t, sendto,
       (int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG address,
	socklen_t length))
SYMBOL(int, ftruncate, (int fd, off_t size))
SYMBOL(int, truncate, (const char *path, off_t size))
SYMBOL(int, fallocate, (int fd, int mode, off_t offset, off_t n))
SYMBOL(int, posix_fallocate, (int fd, off_t offset, off_t n))
ALIAS(__write, write)
ALIAS(__send, send)
ALIAS(__backtrace_symbols_fd, backtrace_symbols_fd)
ALIAS(pwrite64, pwrite)
ALIAS(__pwrite64, pwrite)
ALIAS(pwritev64, pwritev)
ALIAS(pwritev64v2, pwritev2)
ALIAS(ftruncate64, ftruncate)
ALIAS(truncate64, truncate)
ALIAS(fallocate64, fallocate)
ALIAS(posix_fallocate64, posix_fallocate)

/* transfers inside the kernel: hooks_transfer.c */
SYMBOL(ssize_t, sendfile, (int out, int in, off_t *offset, size_t n))
SYMBOL(ssize_t, splice,
       (int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n, unsigned int flags))
SYMBOL(ssize_t, copy_file_range,
       (int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n, unsigned int flags))
ALIAS(sendfile64, sendfile)

/* mappings: hooks_map.c, hooks_remap.c */
SYMBOL(void *, mmap, (void *address, size_t n, int prot, int flags, int fd, off_t offset))
SYMBOL(int, munmap, (void *address, size_t n))
SYMBOL(int, mlockall, (int flags))
SYMBOL(int, mprotect, (void *address, size_t n, int prot))
SYMBOL(int, pkey_mprotect, (void *address, size_t n, int prot, int pkey))
SYMBOL(int, madvise, (void *address, size_t n, int advice))
SYMBOL(int, mseal, (void *address, size_t n, unsigned long flags))
SYMBOL(int, msync, (void *address, size_t n, int flags))
SYMBOL(void *, mremap, (void *old, size_t old_size, size_t n, int flags, ...))
ALIAS(mmap64, mmap)

/* asynchronous I/O: hooks_aio.c */
SYMBOL(int, aio_write, (struct aiocb * cb))
SYMBOL(int, aio_error, (const struct aiocb *cb))
SYMBOL(ssize_t, aio_return, (struct aiocb * cb))
SYMBOL(int, lio_listio, (int mode, struct aiocb *const *list, int count, struct sigevent *sig))
ALIAS(aio_write64, aio_write)
ALIAS(aio_error64, aio_error)
ALIAS(aio_return64, aio_return)
ALIAS(lio_listio64, lio_listio)

/* io_uring by liburing, and the kernel's asynchronous I/O by libaio: hooks_ring.c */
SYMBOL(int, io_uring_queue_init, (unsigned int entries, struct io_uring *ring, unsigned int flags))
SYMBOL(int, io_uring_queue_init_params,
       (unsigned int entries, struct io_uring *ring, struct io_uring_params *params))
SYMBOL(int, io_uring_queue_init_mem,
       (unsigned int entries, struct io_uring *ring, struct io_uring_params *params, void *buf,
	size_t n))
SYMBOL(int, io_uring_setup, (unsigned int entries, struct io_uring_params *params))
SYMBOL(int, io_uring_submit, (struct io_uring * ring))
SYMBOL(int, io_uring_submit_and_wait, (struct io_uring * ring, unsigned int count))
SYMBOL(int, io_uring_submit_and_wait_timeout,
       (struct io_uring * ring, struct io_uring_cqe **cqe, unsigned int count,
	struct __kernel_timespec *timeout, sigset_t *mask))
SYMBOL(int, io_uring_submit_and_get_events, (struct io_uring * ring))
SYMBOL(int, io_uring_get_events, (struct io_uring * ring))
SYMBOL(int, io_uring_wait_cqes,
       (struct io_uring * ring, struct io_uring_cqe **cqe, unsigned int count,
	struct __kernel_timespec *timeout, sigset_t *mask))
SYMBOL(int, io_uring_wait_cqe_timeout,
       (struct io_uring * ring, struct io_uring_cqe **cqe, struct __kernel_timespec *timeout))
SYMBOL(int, __io_uring_get_cqe,
       (struct io_uring * ring, struct io_uring_cqe **cqe, unsigned int submit, unsigned int wait,
	sigset_t *mask))
SYMBOL(int, io_uring_enter,
       (unsigned int fd, unsigned int submit, unsigned int wait, unsigned int flags,
	sigset_t *mask))
SYMBOL(int, io_uring_enter2,
       (unsigned int fd, unsigned int submit, unsigned int wait, unsigned int flags, void *arg,
	size_t n))
SYMBOL(int, io_submit, (void *context, long count, void **list))
SYMBOL(int, io_getevents,
       (void *context, long least, long count, void *events, struct timespec *timeout))

/* messages that carry descriptors: hooks_message.c */
SYMBOL(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags))
SYMBOL(int, sendmmsg, (int fd, struct mmsghdr *messages, unsigned int count, int flags))
SYMBOL(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags))
SYMBOL(int, recvmmsg,
       (int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout))

/* what tells of others: hooks_wait.c */
SYMBOL(pid_t, wait, (int *status))
SYMBOL(pid_t, waitpid, (pid_t pid, int *status, int options))
SYMBOL(pid_t, wait3, (int *status, int options, struct rusage *usage))
SYMBOL(pid_t, wait4, (pid_t pid, int *status, int options, struct rusage *usage))
SYMBOL(int, waitid, (idtype_t type, id_t id, siginfo_t *info, int options))
SYMBOL(ssize_t, recv, (int fd, void *buf, size_t n, int flags))
SYMBOL(ssize_t, __recv_chk, (int fd, void *buf, size_t n, size_t room, int flags))
SYMBOL(ssize_t, recvfrom,
       (int fd, void *buf, size_t n, int flags, __SOCKADDR_ARG address, socklen_t *length))
SYMBOL(ssize_t, __recvfrom_chk,
       (int fd, void *buf, size_t n, size_t room, int flags, __SOCKADDR_ARG address,
	socklen_t *length))
SYMBOL(ssize_t, msgrcv, (int queue, void *message, size_t n, long type, int flags))
SYMBOL(ssize_t, mq_receive, (mqd_t queue, char *message, size_t n, unsigned int *priority))
SYMBOL(ssize_t, mq_timedreceive,
       (mqd_t queue, char *message, size_t n, unsigned int *priority,
	const struct timespec *timeout))
SYMBOL(int, semop, (int id, struct sembuf *operations, size_t n))
SYMBOL(int, semtimedop,
       (int id, struct sembuf *operations, size_t n, const struct timespec *timeout))
SYMBOL(int, connect, (int fd, __CONST_SOCKADDR_ARG address, socklen_t length))
SYMBOL(int, eventfd_read, (int fd, eventfd_t *value))
SYMBOL(wchar_t *, fgetws, (wchar_t * line, int n, FILE *stream))
SYMBOL(wint_t, fgetwc, (FILE * stream))
SYMBOL(wint_t, getwc, (FILE * stream))
SYMBOL(wint_t, getwchar, (void))
SYMBOL(int, sigwait, (const sigset_t *set, int *sig))
SYMBOL(int, sigwaitinfo, (const sigset_t *set, siginfo_t *info))
SYMBOL(int, sigtimedwait, (const sigset_t *set, siginfo_t *info, const struct timespec *timeout))
SYMBOL(int, pause, (void))
ALIAS(__wait, wait)
ALIAS(__waitpid, waitpid)

/* functions that return new descriptors: hooks_newfd.c */
SYMBOL(int, socket, (int domain, int type, int protocol))
SYMBOL(int, socketpair, (int domain, int type, int protocol, int fds[2]))
SYMBOL(int, accept, (int fd, __SOCKADDR_ARG address, socklen_t *length))
SYMBOL(int, accept4, (int fd, __SOCKADDR_ARG address, socklen_t *length, int flags))
SYMBOL(int, pipe, (int fds[2]))
SYMBOL(int, pipe2, (int fds[2], int flags))
SYMBOL(int, eventfd, (unsigned int count, int flags))
SYMBOL(int, epoll_create, (int size))
SYMBOL(int, epoll_create1, (int flags))
SYMBOL(int, timerfd_create, (clockid_t clock, int flags))
SYMBOL(int, signalfd, (int fd, const sigset_t *mask, int flags))
SYMBOL(int, memfd_create, (const char *name, unsigned int flags))
SYMBOL(int, inotify_init, (void))
SYMBOL(int, inotify_init1, (int flags))
SYMBOL(int, fanotify_init, (unsigned int flags, unsigned int event_flags))
SYMBOL(int, shm_open, (const char *name, int flags, mode_t mode))
SYMBOL(int, pidfd_open, (pid_t pid, unsigned int flags))
SYMBOL(int, pidfd_getfd, (int pidfd, int fd, unsigned int flags))
SYMBOL(int, posix_openpt, (int flags))
SYMBOL(int, getpt, (void))
SYMBOL(int, openpty,
       (int *master, int *slave, char *name, const struct termios *termios,
	const struct winsize *size))
SYMBOL(mqd_t, mq_open, (const char *name, int flags, ...))
SYMBOL(mqd_t, __mq_open_2, (const char *name, int flags))
SYMBOL(int, fsopen, (const char *type, unsigned int flags))
SYMBOL(int, fspick, (int dir, const char *path, unsigned int flags))
SYMBOL(int, fsmount, (int fd, unsigned int flags, unsigned int attributes))
SYMBOL(int, open_tree, (int dir, const char *path, unsigned int flags))
SYMBOL(int, mkstemp, (char *path))
SYMBOL(int, mkostemp, (char *path, int flags))
SYMBOL(int, mkstemps, (char *path, int suffix))
SYMBOL(int, mkostemps, (char *path, int suffix, int flags))
ALIAS(__pipe, pipe)
ALIAS(mkstemp64, mkstemp)
ALIAS(mkostemp64, mkostemp)
ALIAS(mkstemps64, mkstemps)
ALIAS(mkostemps64, mkostemps)

/* and those that run commands elsewhere: hooks_remote.c */
SYMBOL(int, rcmd,
       (char **host, unsigned short port, const char *local, const char *remote,
	const char *command, int *error))
SYMBOL(int, rcmd_af,
       (char **host, unsigned short port, const char *local, const char *remote,
	const char *command, int *error, sa_family_t family))
SYMBOL(int, rexec,
       (char **host, int port, const char *user, const char *password, const char *command,
	int *error))
SYMBOL(int, rexec_af,
       (char **host, int port, const char *user, const char *password, const char *command,
	int *error, sa_family_t family))
SYMBOL(int, rresvport, (int *port))
SYMBOL(int, rresvport_af, (int *port, sa_family_t family))

/* streams: hooks_stream.c */
SYMBOL(FILE *, fopen, (const char *path, const char *mode))
SYMBOL(FILE *, freopen, (const char *path, const char *mode, FILE *stream))
SYMBOL(FILE *, fdopen, (int fd, const char *mode))
SYMBOL(int, fclose, (FILE * stream))
SYMBOL(int, fflush, (FILE * stream))
SYMBOL(int, fflush_unlocked, (FILE * stream))
SYMBOL(int, fcloseall, (void))
SYMBOL(FILE *, tmpfile, (void))
SYMBOL(FILE *, popen, (const char *command, const char *mode))
SYMBOL(int, pclose, (FILE * stream))
ALIAS(fopen64, fopen)
ALIAS(_IO_fopen, fopen)
ALIAS(freopen64, freopen)
ALIAS(_IO_fdopen, fdopen)
ALIAS(_IO_fclose, fclose)
ALIAS(_IO_fflush, fflush)
ALIAS(tmpfile64, tmpfile)
ALIAS(_IO_popen, popen)

/* reading from streams: hooks_getc.c, hooks_line.c, hooks_scan.c, hooks_fseek.c */
SYMBOL(int, getc, (FILE * stream))
SYMBOL(int, getc_unlocked, (FILE * stream))
SYMBOL(int, getchar, (void))
SYMBOL(int, getchar_unlocked, (void))
SYMBOL(int, getw, (FILE * stream))
SYMBOL(int, __uflow, (FILE * stream))
SYMBOL(int, __underflow, (FILE * stream))
SYMBOL(size_t, fread, (void *buf, size_t size, size_t n, FILE *stream))
SYMBOL(size_t, fread_unlocked, (void *buf, size_t size, size_t n, FILE *stream))
SYMBOL(size_t, __fread_chk, (void *buf, size_t room, size_t size, size_t n, FILE *stream))
SYMBOL(size_t, __fread_unlocked_chk, (void *buf, size_t room, size_t size, size_t n, FILE *stream))
SYMBOL(char *, fgets, (char *buf, int n, FILE *stream))
SYMBOL(char *, fgets_unlocked, (char *buf, int n, FILE *stream))
SYMBOL(char *, __fgets_chk, (char *buf, size_t room, int n, FILE *stream))
SYMBOL(char *, __fgets_unlocked_chk, (char *buf, size_t room, int n, FILE *stream))
SYMBOL(ssize_t, getline, (char **line, size_t *room, FILE *stream))
SYMBOL(ssize_t, getdelim, (char **line, size_t *room, int delimiter, FILE *stream))
SYMBOL(int, scanf, (const char *format, ...))
SYMBOL(int, fscanf, (FILE * stream, const char *format, ...))
SYMBOL(int, vscanf, (const char *format, va_list ap))
SYMBOL(int, vfscanf, (FILE * stream, const char *format, va_list ap))
SYMBOL(int, _IO_vfscanf, (FILE * stream, const char *format, va_list ap, int *errors))
SYMBOL(int, __isoc99_scanf, (const char *format, ...))
SYMBOL(int, __isoc99_fscanf, (FILE * stream, const char *format, ...))
SYMBOL(int, __isoc99_vscanf, (const char *format, va_list ap))
SYMBOL(int, __isoc99_vfscanf, (FILE * stream, const char *format, va_list ap))
SYMBOL(int, __isoc23_scanf, (const char *format, ...))
SYMBOL(int, __isoc23_fscanf, (FILE * stream, const char *format, ...))
SYMBOL(int, __isoc23_vscanf, (const char *format, va_list ap))
SYMBOL(int, __isoc23_vfscanf, (FILE * stream, const char *format, va_list ap))
SYMBOL(int, fseek, (FILE * stream, long offset, int whence))
SYMBOL(int, fseeko, (FILE * stream, off_t offset, int whence))
SYMBOL(int, fsetpos, (FILE * stream, const fpos_t *position))
ALIAS(fgetc, getc)
ALIAS(_IO_getc, getc)
ALIAS(fgetc_unlocked, getc_unlocked)
ALIAS(_IO_fread, fread)
ALIAS(_IO_fgets, fgets)
ALIAS(__getdelim, getdelim)
ALIAS(__vfscanf, vfscanf)
ALIAS(fseeko64, fseeko)
ALIAS(fsetpos64, fsetpos)
ALIAS(_IO_fsetpos, fsetpos)
ALIAS(_IO_fsetpos64, fsetpos)

/*
 * processes: hooks_process.c, hooks_exec.c, hooks_vfork.c. fork() needs no hook: it runs the
 * handlers of pthread_atfork(), also inside daemon() and forkpty().
 */
SYMBOL(pid_t, _Fork, (void))
SYMBOL(pid_t, vfork, (void))
SYMBOL(int, clone, (int (*fn)(void *), void *stack, int flags, void *arg, ...))
SYMBOL(int, setns, (int fd, int type))
SYMBOL(int, unshare, (int flags))
SYMBOL(int, prctl, (int option, ...))
/* what a program may do: hooks_rights.c */
SYMBOL(int, setuid, (uid_t user))
SYMBOL(int, seteuid, (uid_t user))
SYMBOL(int, setreuid, (uid_t real, uid_t effective))
SYMBOL(int, setresuid, (uid_t real, uid_t effective, uid_t saved))
SYMBOL(int, setgid, (gid_t group))
SYMBOL(int, setegid, (gid_t group))
SYMBOL(int, setregid, (gid_t real, gid_t effective))
SYMBOL(int, setresgid, (gid_t real, gid_t effective, gid_t saved))
SYMBOL(int, setgroups, (size_t n, const gid_t *groups))
SYMBOL(int, initgroups, (const char *user, gid_t group))
SYMBOL(int, chroot, (const char *path))
SYMBOL(int, capset, (void *header, const void *data))
SYMBOL(int, setfsuid, (uid_t user))
SYMBOL(int, setfsgid, (gid_t group))
SYMBOL(void, _exit, (int status))
SYMBOL(void, pthread_exit, (void *result))
SYMBOL(void, thrd_exit, (int result))
SYMBOL(void, quick_exit, (int status))
ALIAS(_Exit, _exit)
SYMBOL(int, daemon, (int nochdir, int noclose))
SYMBOL(int, forkpty,
       (int *master, char *name, const struct termios *termios, const struct winsize *size))
SYMBOL(int, login_tty, (int fd))
SYMBOL(int, system, (const char *command))
SYMBOL(int, wordexp, (const char *words, wordexp_t *result, int flags))
SYMBOL(int, execve, (const char *path, char *const argv[], char *const envp[]))
SYMBOL(int, execv, (const char *path, char *const argv[]))
SYMBOL(int, execvp, (const char *file, char *const argv[]))
SYMBOL(int, execvpe, (const char *file, char *const argv[], char *const envp[]))
SYMBOL(int, execl, (const char *path, const char *arg, ...))
SYMBOL(int, execlp, (const char *file, const char *arg, ...))
SYMBOL(int, execle, (const char *path, const char *arg, ...))
SYMBOL(int, execveat,
       (int dir, const char *path, char *const argv[], char *const envp[], int flags))
SYMBOL(int, fexecve, (int fd, char *const argv[], char *const envp[]))
SYMBOL(int, posix_spawn,
       (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]))
SYMBOL(int, posix_spawnp,
       (pid_t * pid, const char *file, const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]))
SYMBOL(int, posix_spawn_file_actions_adddup2,
       (posix_spawn_file_actions_t * actions, int fd, int to))
ALIAS(__vfork, vfork)
ALIAS(__clone, clone)
ALIAS(__libc_system, system)

/* the two signals that a copy may raise: hooks_signal.c */
SYMBOL(int, sigaction, (int sig, const struct sigaction *act, struct sigaction *old))
SYMBOL(sighandler_t, signal, (int sig, sighandler_t handler))
SYMBOL(sighandler_t, sysv_signal, (int sig, sighandler_t handler))
SYMBOL(sighandler_t, sigset, (int sig, sighandler_t disposition))
SYMBOL(int, sigignore, (int sig))
SYMBOL(int, sigaltstack, (const stack_t *stack, stack_t *old))
SYMBOL(int, siginterrupt, (int sig, int interrupt))
ALIAS(__sigaction, sigaction)
ALIAS(bsd_signal, signal)
ALIAS(ssignal, signal)
ALIAS(__sysv_signal, sysv_signal)

/* and masks that may block them: hooks_mask.c */
SYMBOL(int, sigprocmask, (int how, const sigset_t *set, sigset_t *old))
SYMBOL(int, pthread_sigmask, (int how, const sigset_t *set, sigset_t *old))
SYMBOL(int, sigblock, (int mask))
SYMBOL(int, sigsetmask, (int mask))
SYMBOL(int, sighold, (int sig))
SYMBOL(int, sigsuspend, (const sigset_t *set))
SYMBOL(int, pselect,
       (int n, fd_set *reads, fd_set *writes, fd_set *errors, const struct timespec *timeout,
	const sigset_t *set))
SYMBOL(int, ppoll,
       (struct pollfd * fds, nfds_t n, const struct timespec *timeout, const sigset_t *set))
SYMBOL(int, __ppoll_chk,
       (struct pollfd * fds, nfds_t n, const struct timespec *timeout, const sigset_t *set,
	size_t room))
SYMBOL(int, epoll_pwait,
       (int fd, struct epoll_event *events, int n, int timeout, const sigset_t *set))
SYMBOL(int, epoll_pwait2,
       (int fd, struct epoll_event *events, int n, const struct timespec *timeout,
	const sigset_t *set))
ALIAS(__sigsuspend, sigsuspend)

/* not libc's: hooks_sanitizer.c */
SYMBOL(const char *, __asan_default_options, (void))
SYMBOL(const char *, __tsan_default_suppressions, (void))
SYMBOL(const char *, __tsan_default_options, (void))

/* the loader: hooks_loader.c */
SYMBOL(void *, dlsym, (void *handle, const char *name))
SYMBOL(void *, dlvsym, (void *handle, const char *name, const char *version))
SYMBOL(void *, dlopen, (const char *name, int flags))
SYMBOL(void *, dlmopen, (Lmid_t space, const char *name, int flags))
SYMBOL(int, dlclose, (void *handle))
SYMBOL(int, dl_iterate_phdr,
       (int (*visit)(struct dl_phdr_info *info, size_t size, void *arg), void *arg))

/* all of them by number: hooks_syscall.c */
SYMBOL(long, syscall, (long number, ...))
