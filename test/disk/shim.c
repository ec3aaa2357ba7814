/* LD_PRELOAD under a process whose store is to be watched or to fail. Of the files that begin with
   SHIM_FILE it appends every write, truncation, sync and unlink to SHIM_TRACE, in the order in
   which they happened, and fails those that SHIM_FAULT asks for. Built and read by shim.ts and trace.ts.

   A record of the trace: op u32, name length u32, offset or size u64, data length u64; name; data. One writev
   per record on an O_APPEND descriptor: the process's own marks go into the same file, in their place.

   The fault file, looked at before every operation, holds "kinds nth sticky errno": of the operations of those
   kinds (1 write, 2 sync, 4 truncate) since the file appeared the nth fails, or each from the nth on. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, TRUNCATE = 3, UNLINK = 4 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *watched, *fault_file;
static int trace = -1;
static long operations, isArmed, kinds, nth, isSticky, error;

__attribute__((constructor)) static void start(void) {
  const char *to = getenv("SHIM_TRACE");
  watched = getenv("SHIM_FILE");
  fault_file = getenv("SHIM_FAULT");
  if (to != NULL) trace = open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (to != NULL && trace < 0) abort();
}

/* What follows the watched prefix: "" for the database, "-wal"; "/" for its directory; NULL for all else. The
   shared memory of the WAL is made anew at every open. */
static const char *watched_name(const char *path) {
  size_t length = watched == NULL ? 0 : strlen(watched);
  if (length == 0) return NULL;
  if (strncmp(path, watched, length) == 0) return strcmp(path + length, "-shm") == 0 ? NULL : path + length;
  const char *slash = strrchr(watched, '/');
  size_t directory = slash - watched;
  return strlen(path) == directory && strncmp(path, watched, directory) == 0 ? "/" : NULL;
}

static const char *name_of(int fd, char *path, size_t size) {
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, size - 1);
  if (length <= 0) return NULL;
  path[length] = 0;
  return watched_name(path);
}

static int has_to_fail(int kind) {
  if (fault_file == NULL) return 0;
  FILE *plan = fopen(fault_file, "re");
  if (plan == NULL) {
    isArmed = 0;
    return 0;
  }
  if (!isArmed) {
    isArmed = fscanf(plan, "%ld %ld %ld %ld", &kinds, &nth, &isSticky, &error) == 4;
    operations = 0;
  }
  fclose(plan);
  if (!isArmed || (kinds & kind) == 0) return 0;
  operations++;
  return isSticky ? operations >= nth : operations == nth;
}

static void record(uint32_t op, const char *name, uint64_t at, const void *data, uint64_t length) {
  if (trace < 0) return;
  struct { uint32_t op, name; uint64_t at, length; } head = { op, (uint32_t)strlen(name), at, length };
  struct iovec parts[3] = {
    { &head, sizeof head }, { (void *)name, head.name }, { (void *)data, data == NULL ? 0 : length },
  };
  ssize_t size = (ssize_t)(parts[0].iov_len + parts[1].iov_len + parts[2].iov_len);
  if (writev(trace, parts, 3) != size) abort();
}

#define NEXT(name) ((__typeof__(&name))next(#name))
static void *next(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  return found;
}

#define WATCHED(fd) char path[4096]; const char *name = name_of(fd, path, sizeof path)
/* Error 0: a disk that says it was done and did nothing. */
#define FAIL_IF(kind, lie) \
  if (has_to_fail(kind)) { \
    pthread_mutex_unlock(&lock); \
    errno = (int)error; \
    return error == 0 ? (lie) : -1; \
  }

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
  WATCHED(fd);
  if (name == NULL) return NEXT(pwrite64)(fd, data, length, at);
  pthread_mutex_lock(&lock);
  FAIL_IF(1, (ssize_t)length)
  ssize_t written = NEXT(pwrite64)(fd, data, length, at);
  if (written > 0) record(WRITE, name, (uint64_t)at, data, (uint64_t)written);
  pthread_mutex_unlock(&lock);
  return written;
}

int ftruncate64(int fd, off64_t size) {
  WATCHED(fd);
  if (name == NULL) return NEXT(ftruncate64)(fd, size);
  pthread_mutex_lock(&lock);
  FAIL_IF(4, 0)
  int result = NEXT(ftruncate64)(fd, size);
  if (result == 0) record(TRUNCATE, name, (uint64_t)size, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}

static int synced(int fd, int (*sync)(int)) {
  WATCHED(fd);
  if (name == NULL) return sync(fd);
  pthread_mutex_lock(&lock);
  FAIL_IF(2, 0)
  int result = sync(fd);
  if (result == 0) record(SYNC, name, 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}

int fsync(int fd) { return synced(fd, NEXT(fsync)); }
int fdatasync(int fd) { return synced(fd, NEXT(fdatasync)); }

int unlink(const char *path) {
  const char *name = watched_name(path);
  pthread_mutex_lock(&lock);
  int result = NEXT(unlink)(path);
  if (result == 0 && name != NULL) record(UNLINK, name, 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}
