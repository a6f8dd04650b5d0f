/* device.h: which accelerators there are, how much memory they and the host have, and if none, why not.
 *
 *     infermem_device_list *list;
 *     if (device_probe(NULL, &list) != INFERMEM_OK) return 1;
 *     if (device_count(list) == 0) puts(device_why_not_text(list));
 *     INFERMEM_STRUCT(infermem_device_facts, facts);
 *     if (device_info(list, 0, &facts) == INFERMEM_OK && facts.free_known) use(facts.free_bytes);
 *     device_free(list);
 *
 * The list is what one moment found: free memory is out of date as soon as another process allocates, so probe again
 * before relying on it. Drivers are looked for when asked, never earlier, and are no dependency of the library; no
 * context is made on a device, which would cost its memory. No device, or no driver, is not an error.
 *
 * A probe initializes the CUDA driver, which does not survive a fork: children that the process forks afterwards cannot
 * use CUDA. A program whose workers are to use it probes in a process of its own, or with INFERMEM_DEVICE_NO_CUDA.
 */
#ifndef INFERMEM_DEVICE_H
#define INFERMEM_DEVICE_H

#include "alloc.h"
#include "error.h"

enum {
  INFERMEM_DEVICE_NO_CUDA = 1, /* no CUDA or NVML library is loaded */
  INFERMEM_DEVICE_NO_AMD = 2   /* AMD's devices are not looked for */
};

/* Why there is no device. The words are CUDA's; where no AMD device is there either, the reason is that of CUDA. */
enum {
  INFERMEM_DEVICE_WHY_NONE = 0,       /* there are devices */
  INFERMEM_DEVICE_WHY_DISABLED = 1,   /* INFERMEM_DEVICE_NO_CUDA was given */
  INFERMEM_DEVICE_WHY_NO_DRIVER = 2,  /* the driver's library is not there, or cannot be loaded */
  INFERMEM_DEVICE_WHY_STUB = 3,       /* the library found is the stub that programs are linked with */
  INFERMEM_DEVICE_WHY_NO_SYMBOL = 4,  /* the library lacks a function */
  INFERMEM_DEVICE_WHY_TOO_OLD = 5,    /* it lacks one because the driver is too old */
  INFERMEM_DEVICE_WHY_MISMATCH = 6,   /* the library and the kernel's driver, or the hardware, do not fit together */
  INFERMEM_DEVICE_WHY_PERMISSION = 7, /* this user may not use the devices */
  INFERMEM_DEVICE_WHY_FORKED = 8,     /* the parent of this process has used CUDA, which does not survive a fork */
  INFERMEM_DEVICE_WHY_HIDDEN = 9,     /* CUDA_VISIBLE_DEVICES, or AMD's variables, hide all of them */
  INFERMEM_DEVICE_WHY_NO_DEVICE = 10, /* the driver is there, and finds no device */
  INFERMEM_DEVICE_WHY_FAILED = 11     /* the driver failed; the text has its code */
};

/* Where a device's free memory is known from. */
enum {
  INFERMEM_DEVICE_SOURCE_NONE = 0, /* it is not known */
  INFERMEM_DEVICE_SOURCE_NVML = 1, /* the driver's management library */
  INFERMEM_DEVICE_SOURCE_HOST = 2, /* the device shares the host's memory: an estimate from its effective_bytes */
  INFERMEM_DEVICE_SOURCE_SYSFS = 3 /* the kernel's driver, in /sys */
};

/* Which fields of infermem_host_facts are known; a field that is not is 0. */
enum {
  INFERMEM_HOST_TOTAL = 1,       /* total_bytes */
  INFERMEM_HOST_AVAILABLE = 2,   /* available_bytes */
  INFERMEM_HOST_CGROUP = 4,      /* cgroup_limit_bytes and cgroup_used_bytes: there is a limit */
  INFERMEM_HOST_EFFECTIVE = 8,   /* effective_bytes */
  INFERMEM_HOST_HUGE_PAGES = 16, /* huge_page_size, huge_pages_total and huge_pages_free */
  INFERMEM_HOST_NUMA = 32        /* n_numa_nodes */
};

/* The result of a probe. */
typedef struct infermem_device_list infermem_device_list;

/* How to probe. Zero in any field means the default. The strings are not kept. */
typedef struct infermem_device_options {
  size_t struct_size;
  uint32_t flags;        /* INFERMEM_DEVICE_* */
  uint32_t reserved;     /* 0 */
  const char *cuda_path; /* the CUDA driver library, as an absolute path; NULL looks where the system has it */
  const char *nvml_path; /* the management library, likewise */
  const char *root;      /* an absolute path put before /proc, /sys and /dev; NULL means none */
  const infermem_allocator *allocator;
} infermem_device_options;

/* One device. */
typedef struct infermem_device_facts {
  size_t struct_size;
  char name[96];    /* as the driver gives it; "" when it does not */
  char uuid[48];    /* "GPU-" or "MIG-" and the usual 36 characters; "" when not known */
  char bus_id[32];  /* of PCI, "0000:65:00.0"; "" when not known */
  uint32_t vendor;  /* of PCI: 0x10de is NVIDIA, 0x1002 AMD */
  uint32_t ordinal; /* its number to the CUDA driver in this process, after CUDA_VISIBLE_DEVICES; of AMD's, to HIP
                              after ROCR_VISIBLE_DEVICES and HIP_VISIBLE_DEVICES */
  uint32_t driver_version; /* the CUDA version that the driver supports, 1000 * major + 10 * minor; 0 when not known */
  uint32_t cc_major;       /* compute capability; 0.0 when not known */
  uint32_t cc_minor;
  uint32_t is_unified;  /* 1 when the device shares the host's memory: one pool, not to be added up */
  uint32_t is_mig;      /* 1 when it is a slice of a GPU; the memory is the slice's */
  uint32_t free_known;  /* 0: free_bytes is 0 and says nothing */
  uint32_t free_source; /* INFERMEM_DEVICE_SOURCE_* */
  uint32_t reserved;
  uint64_t total_bytes;    /* what CUDA can use; of AMD's, its own memory, and what it may map where it has none */
  uint64_t free_bytes;     /* at most total_bytes */
  uint64_t reserved_bytes; /* kept by the driver for itself; 0 when it does not tell */
  uint64_t timestamp_ns;   /* when free_bytes was read, by CLOCK_MONOTONIC */
} infermem_device_facts;

/* The host's memory. */
typedef struct infermem_host_facts {
  size_t struct_size;
  uint32_t known;              /* INFERMEM_HOST_* */
  uint32_t n_numa_nodes;       /* online ones */
  uint64_t total_bytes;        /* what the kernel manages */
  uint64_t available_bytes;    /* what programs can have without swapping, by the kernel's estimate */
  uint64_t cgroup_limit_bytes; /* of the control groups around this process, that which leaves it least */
  uint64_t cgroup_used_bytes;  /* of this group, without the file cache that the kernel gives up first */
  uint64_t effective_bytes;    /* what this process can have: available_bytes, or what its control group leaves */
  uint64_t page_size;
  uint64_t huge_page_size;   /* of the pool of reserved huge pages */
  uint64_t huge_pages_total; /* pages in it */
  uint64_t huge_pages_free;
  uint64_t timestamp_ns; /* when it was read, by CLOCK_MONOTONIC */
} infermem_host_facts;

#ifndef INFERMEM_NO_PROTOTYPES
INFERMEM_BEGIN_DECLS

/* Looks for devices, now; free the list with device_free. Of NVIDIA's devices, identity and total come from the CUDA
 * driver, free memory from NVML, joined by UUID or else by the place on the bus; a MIG slice has the slice's memory.
 * Libraries are loaded by their name, /usr/lib/wsl/lib first, never from a folder named stubs, and stay loaded. A call
 * takes as long as the drivers do. AMD's devices are those of the kernel's amdgpu driver, in the order of the bus, after
 * NVIDIA's; an integrated one, whose processor and GPU the kernel shows as one node, shares the host's memory. Host
 * memory comes from /proc/meminfo and from the control groups, v2 or v1. A device that fails to tell its total is left
 * out.
 *   options: NULL means all defaults.
 * Errors: INFERMEM_E_NULL: out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: a flag is unknown, a path does not begin
 * with a slash, or the allocator lacks a function.  INFERMEM_E_NOMEM.
 * Thread: any.  Memory: one handle and one array from the allocator, and what the driver takes.  Since: 0.1 */
INFERMEM_FN int32_t device_probe(const infermem_device_options *options, infermem_device_list **out)
    INFERMEM_AS(device_probe);

/* Frees a list. NULL is allowed.
 * Thread: exclusive.  Memory: releases.  Since: 0.1 */
INFERMEM_FN void device_free(infermem_device_list *list) INFERMEM_AS(device_free);

/* How many devices the list has; 0 also of NULL or a handle of another kind.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t device_count(const infermem_device_list *list) INFERMEM_AS(device_count);

/* Fills *out, whose struct_size the caller has set, with a device: NVIDIA's in the order of the CUDA driver, then AMD's
 * in that of HIP.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.  INFERMEM_E_RANGE: there is no such device.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t device_info(const infermem_device_list *list, size_t index, infermem_device_facts *out)
    INFERMEM_AS(device_info);

/* Fills *out, whose struct_size the caller has set, with the host's memory.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t device_host(const infermem_device_list *list, infermem_host_facts *out) INFERMEM_AS(device_host);

/* Why the list is empty: INFERMEM_DEVICE_WHY_*, which is 0 when it is not.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t device_why_not(const infermem_device_list *list, int32_t *out_code) INFERMEM_AS(device_why_not);

/* The same as a sentence, which lives as long as the list; "" when there are devices, NULL of NULL or a handle of
 * another kind.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN const char *device_why_not_text(const infermem_device_list *list) INFERMEM_AS(device_why_not_text);

INFERMEM_END_DECLS
#endif

#endif
