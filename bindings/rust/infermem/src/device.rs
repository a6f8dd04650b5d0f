//! Which accelerators there are, and how much memory they and the host have.

use crate::error::{check, filled, path as c_path, Result};
use crate::sys;
use std::ffi::CStr;
use std::fmt;
use std::path::PathBuf;

flags! {
    /// Flags of a probe.
    ProbeFlags {
        /// No CUDA or NVML library is loaded.
        NO_CUDA = INFERMEM_DEVICE_NO_CUDA,
        /// AMD's devices are not looked for.
        NO_AMD = INFERMEM_DEVICE_NO_AMD,
    }
}

choices! {
    /// Why there is no device.
    WhyNot: i32 {
        /// There are devices.
        None = INFERMEM_DEVICE_WHY_NONE,
        /// `NO_CUDA` was given.
        Disabled = INFERMEM_DEVICE_WHY_DISABLED,
        /// The driver's library is not there, or cannot be loaded.
        NoDriver = INFERMEM_DEVICE_WHY_NO_DRIVER,
        /// The library found is the stub that programs are linked with.
        Stub = INFERMEM_DEVICE_WHY_STUB,
        /// The library lacks a function.
        NoSymbol = INFERMEM_DEVICE_WHY_NO_SYMBOL,
        /// It lacks one because the driver is too old.
        TooOld = INFERMEM_DEVICE_WHY_TOO_OLD,
        /// The library and the kernel's driver, or the hardware, do not fit together.
        Mismatch = INFERMEM_DEVICE_WHY_MISMATCH,
        /// This user may not use the devices.
        Permission = INFERMEM_DEVICE_WHY_PERMISSION,
        /// The parent of this process has used CUDA, which does not survive a fork.
        Forked = INFERMEM_DEVICE_WHY_FORKED,
        /// CUDA_VISIBLE_DEVICES, or AMD's variables, hide all of them.
        Hidden = INFERMEM_DEVICE_WHY_HIDDEN,
        /// The driver is there, and finds no device.
        NoDevice = INFERMEM_DEVICE_WHY_NO_DEVICE,
        /// The driver failed; the text has its code.
        Failed = INFERMEM_DEVICE_WHY_FAILED,
    }
}

choices! {
    /// Where a device's free memory is known from.
    FreeSource: u32 {
        /// It is not known.
        None = INFERMEM_DEVICE_SOURCE_NONE,
        /// The driver's management library.
        Nvml = INFERMEM_DEVICE_SOURCE_NVML,
        /// The device shares the host's memory: an estimate from its effective_bytes.
        Host = INFERMEM_DEVICE_SOURCE_HOST,
        /// The kernel's driver, in /sys.
        Sysfs = INFERMEM_DEVICE_SOURCE_SYSFS,
    }
}

flags! {
    /// Which fields of a [`HostMemory`] are known; a field that is not is 0.
    HostKnown {
        /// Total_bytes.
        TOTAL = INFERMEM_HOST_TOTAL,
        /// Available_bytes.
        AVAILABLE = INFERMEM_HOST_AVAILABLE,
        /// Cgroup_limit_bytes and cgroup_used_bytes: there is a limit.
        CGROUP = INFERMEM_HOST_CGROUP,
        /// Effective_bytes.
        EFFECTIVE = INFERMEM_HOST_EFFECTIVE,
        /// Huge_page_size, huge_pages_total and huge_pages_free.
        HUGE_PAGES = INFERMEM_HOST_HUGE_PAGES,
        /// N_numa_nodes.
        NUMA = INFERMEM_HOST_NUMA,
    }
}

exchanged! {
    /// A device.
    Device, infermem_device_facts {
        /// As the driver gives it; "" when it does not.
        pub name: String,
        /// "GPU-" or "MIG-" and the usual 36 characters; "" when not known.
        pub uuid: String,
        /// Of PCI, "0000:65:00.0"; "" when not known.
        pub bus_id: String,
        /// Of PCI: 0x10de is NVIDIA, 0x1002 AMD.
        pub vendor: u32,
        /// Its number to the CUDA driver in this process, after CUDA_VISIBLE_DEVICES; of AMD's, to HIP after ROCR_VISIBLE_DEVICES and HIP_VISIBLE_DEVICES.
        pub ordinal: u32,
        /// The CUDA version that the driver supports, 1000 * major + 10 * minor; 0 when not known.
        pub driver_version: u32,
        /// Compute capability; 0.0 when not known.
        pub cc_major: u32,
        /// And its second part.
        pub cc_minor: u32,
        /// Whether it shares the host's memory: one pool, not to be added up.
        pub is_unified: bool,
        /// Whether it is a slice of a GPU; the memory is the slice's.
        pub is_mig: bool,
        /// Where this is false `free_bytes` is 0 and says nothing.
        pub free_known: bool,
        /// Where `free_bytes` is from.
        pub free_source: FreeSource,
        /// What CUDA can use; of AMD's, its own memory, and what it may map where it has none.
        pub total_bytes: u64,
        /// At most total_bytes.
        pub free_bytes: u64,
        /// Kept by the driver for itself; 0 when it does not tell.
        pub reserved_bytes: u64,
        /// When free_bytes was read, by CLOCK_MONOTONIC.
        pub timestamp_ns: u64,
    }
}

told! {
    /// The host's memory.
    HostMemory, infermem_host_facts {
        /// Which of these are known.
        pub known: HostKnown,
        /// Online ones.
        pub n_numa_nodes: u32,
        /// What the kernel manages.
        pub total_bytes: u64,
        /// What programs can have without swapping, by the kernel's estimate.
        pub available_bytes: u64,
        /// Of the control groups around this process, that which leaves it least.
        pub cgroup_limit_bytes: u64,
        /// Of this group, without the file cache that the kernel gives up first.
        pub cgroup_used_bytes: u64,
        /// What this process can have: available_bytes, or what its control group leaves.
        pub effective_bytes: u64,
        /// Of a page.
        pub page_size: u64,
        /// Of the pool of reserved huge pages.
        pub huge_page_size: u64,
        /// Pages in it.
        pub huge_pages_total: u64,
        /// Those of them that are free.
        pub huge_pages_free: u64,
        /// When it was read, by CLOCK_MONOTONIC.
        pub timestamp_ns: u64,
    }
}

/// How to probe.
#[derive(Clone, Debug, Default)]
pub struct DeviceOptions {
    /// What not to look for.
    pub flags: ProbeFlags,
    /// The CUDA driver library, as an absolute path; None looks where the system has it.
    pub cuda_path: Option<PathBuf>,
    /// The management library, likewise.
    pub nvml_path: Option<PathBuf>,
    /// An absolute path put before /proc, /sys and /dev.
    pub root: Option<PathBuf>,
}

handle! {
    /// The result of a probe: what one moment found.
    ///
    /// ```
    /// # use infermem::{DeviceList, DeviceOptions};
    /// let devices = DeviceList::probe(&DeviceOptions::default())?;
    /// for device in devices.iter() {
    ///     println!("{}: {} bytes", device.name, device.total_bytes);
    /// }
    /// if devices.is_empty() {
    ///     println!("{}", devices.why_not_text());
    /// }
    /// # Ok::<(), infermem::Error>(())
    /// ```
    DeviceList, infermem_device_list, device_free
}

impl DeviceList {
    /// Looks for devices, now.
    pub fn probe(options: &DeviceOptions) -> Result<Self> {
        let path = |path: &Option<PathBuf>| path.as_deref().map(|path| c_path("device_probe", path)).transpose();
        let (cuda, nvml, root) = (path(&options.cuda_path)?, path(&options.nvml_path)?, path(&options.root)?);
        let options = sys::infermem_device_options {
            flags: options.flags.bits(),
            cuda_path: cuda.as_ref().map_or(std::ptr::null(), |path| path.as_ptr()),
            nvml_path: nvml.as_ref().map_or(std::ptr::null(), |path| path.as_ptr()),
            root: root.as_ref().map_or(std::ptr::null(), |path| path.as_ptr()),
            ..Default::default()
        };
        // The paths are read during the call.
        Self::made(|out| unsafe { sys::device_probe(&options, out) })
    }

    /// How many devices there are.
    pub fn len(&self) -> usize {
        unsafe { sys::device_count(self.as_ptr()) }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A device.
    pub fn get(&self, index: usize) -> Result<Device> {
        filled(|out| unsafe { sys::device_info(self.as_ptr(), index, out) }).map(Device::from)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Device> + '_ {
        (0..self.len()).filter_map(|i| self.get(i).ok())
    }

    /// The host's memory.
    pub fn host(&self) -> Result<HostMemory> {
        filled(|out| unsafe { sys::device_host(self.as_ptr(), out) }).map(HostMemory::from)
    }

    /// Why the list is empty.
    pub fn why_not(&self) -> Result<WhyNot> {
        let mut code = 0;
        check(unsafe { sys::device_why_not(self.as_ptr(), &mut code) })?;
        Ok(WhyNot::from_number(code))
    }

    /// The same as a sentence; "" when there are devices.
    pub fn why_not_text(&self) -> &str {
        // It lives as long as the list; of a list it is never NULL.
        unsafe { CStr::from_ptr(sys::device_why_not_text(self.as_ptr())) }.to_str().unwrap_or("")
    }
}

impl fmt::Debug for DeviceList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
