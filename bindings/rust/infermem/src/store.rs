//! Rows kept close: those of hot neurons, experts, or whatever is read together.

use crate::error::{check, filled, made, Result};
use crate::{sys, Code, Neurons, Place, Quant};
use std::any::Any;
use std::cell::Cell;
use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};

choices! {
    /// Which row makes room for another.
    StorePolicy: u32 {
        /// The one not asked for the longest.
        Lru = INFERMEM_NEURON_LRU,
        /// The one asked for the least.
        Lfu = INFERMEM_NEURON_LFU,
        /// The one least frequently active by the last `rank`.
        Hot = INFERMEM_NEURON_HOT,
    }
}

/// How a store is made.
#[derive(Clone, Debug, Default)]
pub struct StoreOptions<'t> {
    /// Ids are below; more than 0. Of a matrix, 0 means its rows.
    pub n_rows: u32,
    /// Bytes of each row, more than 0; of a matrix 0.
    pub row_bytes: u64,
    /// Bytes of the rows in memory, each rounded up to 64.
    pub budget_bytes: u64,
    /// Which row makes room for another.
    pub policy: StorePolicy,
    /// With LFU: fetches in which what was asked for comes to count half; 0: it counts for ever.
    pub half_life: u32,
    /// With LRU: rows that none of the last `window` fetches asked for are dropped; 0 drops none.
    pub window: u32,
    /// How many may be begun and not ended; 0 means 4.
    pub n_fetches: u32,
    /// Where all of it is stored.
    pub tape: Place<'t>,
}

told! {
    /// What a store holds, and what happened since it was made.
    StoreInfo, infermem_neuron_store_facts {
        /// Of both kinds, and those of `keep`.
        pub fetches: u64,
        /// Rows that were there.
        pub hits: u64,
        /// Rows that were being loaded for another fetch.
        pub waits: u64,
        /// Rows that were to be loaded.
        pub misses: u64,
        /// Calls of the load function.
        pub loads: u64,
        /// Rows whose loading failed.
        pub failures: u64,
        /// Of the others that were loaded.
        pub bytes_loaded: u64,
        /// Rows that made room for others.
        pub evictions: u64,
        /// Rows that left the window.
        pub drops: u64,
        /// Rows that fit the budget.
        pub capacity: u64,
        /// Rows that are there, or being loaded.
        pub resident: u64,
        /// Those of them that fetches have, or that are kept or being loaded.
        pub in_use: u64,
        /// Of the rows and the bookkeeping.
        pub memory_bytes: u64,
    }
}

/// Rows that are to be loaded. It may go to another thread, and be finished there at any time. One that is dropped
/// unfinished is a load that failed.
pub struct LoadRequest {
    store: *const sys::infermem_neuron_store,
    load: u64,
    ids: *const u32,
    rows: *const *mut c_void,
    n: usize,
    row_bytes: usize,
}

// Ids and rows are this request's until it is finished, whichever thread has it; the store waits for that.
unsafe impl Send for LoadRequest {}

impl LoadRequest {
    /// The ids of the rows.
    pub fn ids(&self) -> &[u32] {
        // They are there until the request is finished.
        unsafe { std::slice::from_raw_parts(self.ids, self.n) }
    }

    /// Each id, and where its row is to be written.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = (u32, &mut [u8])> + '_ {
        // The rows are apart, and this request's alone.
        (0..self.n).map(move |i| unsafe {
            (*self.ids.add(i), std::slice::from_raw_parts_mut((*self.rows.add(i)).cast(), self.row_bytes))
        })
    }

    /// All rows are there, or they cannot be had for this reason.
    pub fn finish(self, result: std::result::Result<(), Code>) {
        let status = match result {
            Ok(()) => sys::INFERMEM_OK,
            Err(code) => code.number().min(-1),
        };
        std::mem::ManuallyDrop::new(self).tell(status);
    }

    fn tell(&self, status: i32) {
        // Once: `finish` keeps the drop away. That a tape was cleared meanwhile, the fetch will say.
        unsafe { sys::neuron_store_loaded(self.store, self.load, status) };
    }
}

impl Drop for LoadRequest {
    fn drop(&mut self) {
        self.tell(sys::INFERMEM_E_IO);
    }
}

impl fmt::Debug for LoadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadRequest").field("ids", &self.ids()).finish()
    }
}

/// What the library's context points to.
struct Loader {
    function: Box<dyn Fn(LoadRequest) + Send + Sync>,
    store: AtomicPtr<sys::infermem_neuron_store>,
    row_bytes: usize,
}

thread_local! {
    /// Of a load function that this thread's fetch called: it goes on when the fetch has returned.
    static PANIC: Cell<Option<Box<dyn Any + Send>>> = const { Cell::new(None) };
}

unsafe extern "C" fn load(context: *mut c_void, load: u64, ids: *const u32, n: usize, rows: *const *mut c_void) -> i32 {
    // The store, which calls this, has the loader.
    let loader = unsafe { &*context.cast::<Loader>() };
    let store = loader.store.load(Ordering::Acquire);
    let request = LoadRequest { store, load, ids, rows, n, row_bytes: loader.row_bytes };
    // A request that a panic drops is told as failed.
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (loader.function)(request))) {
        let _ = PANIC.try_with(|place| place.set(Some(panic)));
    }
    sys::INFERMEM_NEURON_PENDING as i32
}

/// Goes on with the panic of a load function.
fn after_loads(status: i32) -> Result<()> {
    if let Some(panic) = PANIC.try_with(Cell::take).ok().flatten() {
        resume_unwind(panic);
    }
    check(status)
}

/// Rows kept close in a budget of memory, loaded when asked for.
///
/// ```
/// # use infermem::{NeuronStore, StoreOptions};
/// let options = StoreOptions { n_rows: 1000, row_bytes: 8, budget_bytes: 64 * 10, ..Default::default() };
/// let mut store = NeuronStore::with_load(&options, |mut request| {
///     for (id, row) in request.rows_mut() {
///         row.copy_from_slice(&u64::from(id).to_le_bytes()); // from a file, say
///     }
///     request.finish(Ok(()));
/// })?;
/// let rows = store.fetch(&[7, 900])?;
/// assert_eq!(rows.get(1), 900_u64.to_le_bytes());
/// assert_eq!(store.info()?.misses, 2);
/// # Ok::<(), infermem::Error>(())
/// ```
///
/// Rows of a fetch are gone with the next:
///
/// ```compile_fail,E0499
/// # use infermem::{Quant, NeuronStore, StoreOptions};
/// # let matrix = Quant::from_f32(&[1.0; 64], 2, 32, &Default::default()).unwrap();
/// # let mut store = NeuronStore::of_quant(&matrix, &StoreOptions { budget_bytes: 128, ..Default::default() }).unwrap();
/// let first = store.fetch(&[0]).unwrap();
/// let second = store.fetch(&[1]).unwrap();
/// first.get(0);
/// ```
pub struct NeuronStore<'t> {
    raw: NonNull<sys::infermem_neuron_store>,
    row_bytes: usize,
    fetched: Vec<*const c_void>,
    loader: Option<NonNull<Loader>>,
    place: PhantomData<&'t ()>,
}

// Its functions may be called by many threads at once, but for `fetch` and `release`, which take `&mut self`; the load
// function may, too.
unsafe impl Send for NeuronStore<'_> {}
unsafe impl Sync for NeuronStore<'_> {}

impl StoreOptions<'_> {
    fn to_c(&self) -> sys::infermem_neuron_store_options {
        sys::infermem_neuron_store_options {
            n_rows: self.n_rows,
            policy: self.policy.number(),
            row_bytes: self.row_bytes,
            budget_bytes: self.budget_bytes,
            half_life: self.half_life,
            window: self.window,
            n_fetches: self.n_fetches,
            tape: self.tape.tape,
            ..Default::default()
        }
    }
}

impl NeuronStore<'static> {
    /// Makes an empty store of rows that a function loads, which several threads may call at once. It is given to what
    /// fetches, and must not fetch itself. Requests outlive it, so the store does not borrow.
    pub fn with_load(
        options: &StoreOptions<'static>,
        function: impl Fn(LoadRequest) + Send + Sync + 'static,
    ) -> Result<Self> {
        let row_bytes = options.row_bytes as usize;
        let store = AtomicPtr::new(std::ptr::null_mut());
        let loader = Box::new(Loader { function: Box::new(function), store, row_bytes });
        let context = Box::into_raw(loader);
        let options =
            sys::infermem_neuron_store_options { load: Some(load), context: context.cast(), ..options.to_c() };
        // The loader lives until the store is freed; before this returns nothing is loaded.
        match made(|out| unsafe { sys::neuron_store_new(&options, out) }) {
            Ok(raw) => {
                unsafe { &*context }.store.store(raw.as_ptr(), Ordering::Release);
                let loader = NonNull::new(context);
                Ok(Self { raw, row_bytes, fetched: Vec::new(), loader, place: PhantomData })
            }
            Err(error) => {
                // No store has it.
                drop(unsafe { Box::from_raw(context) });
                Err(error)
            }
        }
    }
}

impl<'t> NeuronStore<'t> {
    /// Makes an empty store of a matrix's rows as floats.
    pub fn of_quant(matrix: &'t Quant<'_>, options: &StoreOptions<'t>) -> Result<Self> {
        let (_, cols) = matrix.shape()?;
        let options = sys::infermem_neuron_store_options { quant: matrix.as_ptr(), ..options.to_c() };
        // The matrix and the tape outlive the store.
        let raw = made(|out| unsafe { sys::neuron_store_new(&options, out) })?;
        Ok(Self { raw, row_bytes: 4 * cols, fetched: Vec::new(), loader: None, place: PhantomData })
    }

    /// The library's handle, which stays this object's, for calls of `infermem-sys`.
    pub fn as_ptr(&self) -> *mut sys::infermem_neuron_store {
        self.raw.as_ptr()
    }

    /// Gives the rows of some ids, which stay until the next fetch. Those that are not there are loaded.
    #[inline]
    pub fn fetch(&mut self, ids: &[u32]) -> Result<Rows<'_>> {
        self.fetched.clear();
        self.fetched.resize(ids.len(), std::ptr::null());
        let (n, out) = (ids.len(), self.fetched.as_mut_ptr());
        after_loads(unsafe { sys::neuron_fetch(self.raw.as_ptr(), ids.as_ptr(), n, out) })?;
        Ok(Rows { rows: &self.fetched, row_bytes: self.row_bytes })
    }

    /// Ends the use of the rows of the last fetch.
    pub fn release(&mut self) -> Result<()> {
        check(unsafe { sys::neuron_store_release(self.as_ptr()) })
    }

    /// Begins to fetch rows, without waiting. Whoever drops it at once has asked for rows ahead of time.
    pub fn begin(&self, ids: &[u32]) -> Result<Fetch<'_>> {
        let mut rows = vec![std::ptr::null(); ids.len()];
        let (n, out, mut number) = (ids.len(), rows.as_mut_ptr(), 0);
        let status = unsafe { sys::neuron_fetch_begin(self.as_ptr(), ids.as_ptr(), n, out, &mut number) };
        // A panic goes on when there is something to end the fetch.
        let fetch = (status == sys::INFERMEM_OK).then(|| Fetch {
            store: self.raw,
            number,
            rows,
            row_bytes: self.row_bytes,
            place: PhantomData,
        });
        after_loads(status)?;
        Ok(fetch.expect("the status says so"))
    }

    /// Keeps the rows of some ids for good, instead of those kept before.
    pub fn keep(&self, ids: &[u32]) -> Result<()> {
        after_loads(unsafe { sys::neuron_store_keep(self.as_ptr(), ids.as_ptr(), ids.len()) })
    }

    /// Takes over how frequently each row's neuron was active, for [`StorePolicy::Hot`].
    pub fn rank(&self, neurons: &Neurons<'_>) -> Result<()> {
        check(unsafe { sys::neuron_store_rank(self.as_ptr(), neurons.as_ptr()) })
    }

    /// Whether the row is there, loaded.
    pub fn has(&self, id: u32) -> bool {
        unsafe { sys::neuron_store_has(self.as_ptr(), id) != 0 }
    }

    /// What it holds, and what happened since it was made.
    pub fn info(&self) -> Result<StoreInfo> {
        filled(|out| unsafe { sys::neuron_store_stat(self.as_ptr(), out) }).map(StoreInfo::from)
    }
}

impl Drop for NeuronStore<'_> {
    fn drop(&mut self) {
        // Waits for the requests that are not finished; nothing has the loader after that.
        unsafe {
            sys::neuron_store_free(self.raw.as_ptr());
            if let Some(loader) = self.loader {
                drop(Box::from_raw(loader.as_ptr()));
            }
        }
    }
}

impl fmt::Debug for NeuronStore<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NeuronStore").field("info", &self.info().ok()).finish()
    }
}

/// Rows that were fetched, in the order of their ids.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    rows: &'a [*const c_void],
    row_bytes: usize,
}

// They are not changed meanwhile.
unsafe impl Send for Rows<'_> {}
unsafe impl Sync for Rows<'_> {}

impl<'a> Rows<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A row's bytes. Panics where there is none of that index.
    #[inline]
    pub fn get(&self, index: usize) -> &'a [u8] {
        // It is there, and stays, for 'a.
        unsafe { std::slice::from_raw_parts(self.rows[index].cast(), self.row_bytes) }
    }

    /// A row as floats, as those of a matrix are. Panics where there is none of that index.
    #[inline]
    pub fn floats(&self, index: usize) -> &'a [f32] {
        // At a multiple of 64 bytes; as above.
        unsafe { std::slice::from_raw_parts(self.rows[index].cast(), self.row_bytes / 4) }
    }
}

impl fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("len", &self.len()).field("row_bytes", &self.row_bytes).finish()
    }
}

/// A fetch that was begun; it ends with this object.
pub struct Fetch<'s> {
    store: NonNull<sys::infermem_neuron_store>,
    number: u64,
    rows: Vec<*const c_void>,
    row_bytes: usize,
    place: PhantomData<&'s ()>,
}

// As a store.
unsafe impl Send for Fetch<'_> {}
unsafe impl Sync for Fetch<'_> {}

impl Fetch<'_> {
    /// Whether nothing of it is being loaded any more.
    pub fn is_ready(&self) -> bool {
        unsafe { sys::neuron_fetch_is_ready(self.store.as_ptr(), self.number) != 0 }
    }

    /// The rows, once all are there.
    pub fn wait(&self) -> Result<Rows<'_>> {
        check(unsafe { sys::neuron_fetch_wait(self.store.as_ptr(), self.number) })?;
        Ok(Rows { rows: &self.rows, row_bytes: self.row_bytes })
    }
}

impl Drop for Fetch<'_> {
    fn drop(&mut self) {
        // It was begun, and is ended once; where the tape was cleared meanwhile there is nothing to end.
        unsafe { sys::neuron_fetch_end(self.store.as_ptr(), self.number) };
    }
}

impl fmt::Debug for Fetch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetch").field("is_ready", &self.is_ready()).finish()
    }
}
