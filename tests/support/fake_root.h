/* fake_root.h: a folder that stands for /, with files of /proc and /sys in it. */
#ifndef FAKE_ROOT_H
#define FAKE_ROOT_H

/* Its path, while there is one. */
extern char root[64];

/* Makes it, empty; 0, or -1 where that fails. */
int make_root(void);
void remove_root(void);

/* Puts a file into it, with the folders that lead there. */
void put(const char *path, const char *text);
/* Puts a symbolic link into it. */
void put_link(const char *path, const char *target);
/* Puts /proc/meminfo into it: a host of 16,000,000 KiB, 12,000,000 of which are available. */
void put_meminfo(void);

#endif
