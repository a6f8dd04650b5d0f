//! Weight matrices in few bits.

use crate::error::{check, filled, path as c_path, Result};
use crate::{sys, DType, Place};
use std::fmt;
use std::ops::Range;
use std::path::Path;

choices! {
    /// What becomes of values that are NaN or infinite.
    NanPolicy: u32 {
        /// The call fails with [`Code::NotFinite`](crate::Code::NotFinite).
        Refuse = INFERMEM_QUANT_REFUSE,
        /// Infinities count as the largest and the least finite value of their group, NaN as 0.
        Clamp = INFERMEM_QUANT_CLAMP,
    }
}

choices! {
    /// How a matrix lies in memory.
    QuantLayout: i32 {
        /// Row by row: for interchange, and single rows.
        Plain = INFERMEM_QUANT_PLAIN,
        /// 16 rows interleaved: for products.
        Packed = INFERMEM_QUANT_PACKED,
    }
}

/// How a matrix is quantized.
#[derive(Clone, Debug, Default)]
pub struct QuantOptions<'t> {
    /// Of a value: 4 or 8; 0 means 8.
    pub bits: u32,
    /// What becomes of values that are not finite.
    pub nan_policy: NanPolicy,
    /// Values that share a scale and a minimum, a multiple of 8; 0 means 32.
    pub group: usize,
    /// The type of scales and minima: F32, F16 or BF16.
    pub params: DType,
    /// Levels on both sides of 0, and no minima.
    pub symmetric: bool,
    /// Where the matrix is stored.
    pub tape: Place<'t>,
}

impl QuantOptions<'_> {
    fn to_c(&self) -> sys::infermem_quant_options {
        sys::infermem_quant_options {
            bits: self.bits,
            nan_policy: self.nan_policy.number(),
            group: self.group,
            params: self.params.0,
            symmetric: u32::from(self.symmetric),
            tape: self.tape.tape,
            ..Default::default()
        }
    }
}

/// Weights in groups as other programs store them, each tensor as its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct QuantTensors<'a> {
    /// "qweight", or "W_q".
    pub weights: &'a [u8],
    /// "qzeros", or "zero".
    pub zeros: &'a [u8],
    /// "scales", or "scale".
    pub scales: &'a [u8],
    /// Of GPTQ, "g_idx"; None means that no column is out of order.
    pub group_index: Option<&'a [u8]>,
    /// F32, F16 or BF16.
    pub scales_type: DType,
    /// Of GPTQ: 1 or 2; 0 means 1.
    pub gptq_version: u32,
}

impl QuantTensors<'_> {
    fn to_c(self) -> sys::infermem_quant_tensors {
        let index = self.group_index;
        sys::infermem_quant_tensors {
            weights: self.weights.as_ptr().cast(),
            weights_bytes: self.weights.len(),
            zeros: self.zeros.as_ptr().cast(),
            zeros_bytes: self.zeros.len(),
            scales: self.scales.as_ptr().cast(),
            scales_bytes: self.scales.len(),
            group_index: index.map_or(std::ptr::null(), |bytes| bytes.as_ptr().cast()),
            group_index_bytes: index.map_or(0, <[u8]>::len),
            scales_type: self.scales_type.0,
            gptq_version: self.gptq_version,
            ..Default::default()
        }
    }
}

told! {
    /// How far a quantized matrix is from the floats that it stands for.
    QuantErrors, infermem_quant_errors {
        /// The largest absolute difference.
        pub max: f64,
        /// The mean absolute difference.
        pub mean: f64,
        /// The root of the mean squared difference.
        pub rmse: f64,
        /// Of the first element that differs by `max`.
        pub max_index: usize,
        /// The group with the largest rmse of its own.
        pub worst_group: usize,
        /// And that rmse.
        pub worst_group_rmse: f64,
    }
}

handle! {
    /// A matrix of weights in few bits. It never changes.
    ///
    /// ```
    /// # use infermem::{Quant, QuantOptions};
    /// let weights: Vec<f32> = (0..4 * 64).map(|i| (i as f32 * 0.37).sin()).collect();
    /// let matrix = Quant::from_f32(&weights, 4, 64, &QuantOptions { bits: 8, ..Default::default() })?;
    /// let (x, mut product) = ([1.0; 64], [0.0; 4]);
    /// matrix.gemv(0..4, &x, &mut product)?; // read as it is stored
    /// let exact: f32 = weights[..64].iter().sum();
    /// assert!((product[0] - exact).abs() < 0.3);
    /// # Ok::<(), infermem::Error>(())
    /// ```
    ///
    /// Of borrowed weights it does not outlive the bytes:
    ///
    /// ```compile_fail,E0505
    /// # use infermem::{DType, Quant};
    /// let bytes = vec![0; 128];
    /// let matrix = Quant::borrow(DType::F32, &bytes, 1, 32).unwrap();
    /// drop(bytes);
    /// matrix.bytes();
    /// ```
    Quant<'t>, infermem_quant, quant_free
}

impl<'t> Quant<'t> {
    /// Quantizes a row-major matrix of floats.
    pub fn from_f32(data: &[f32], rows: usize, cols: usize, options: &QuantOptions<'t>) -> Result<Self> {
        let options = options.to_c();
        // The tape outlives the matrix; of what follows, too.
        Self::made(|out| unsafe { sys::quant_from_f32(data.as_ptr(), data.len(), rows, cols, &options, out) })
    }

    /// Quantizes a row-major matrix of F16.
    pub fn from_f16(data: &[u16], rows: usize, cols: usize, options: &QuantOptions<'t>) -> Result<Self> {
        let options = options.to_c();
        Self::made(|out| unsafe { sys::quant_from_f16(data.as_ptr(), data.len(), rows, cols, &options, out) })
    }

    /// Quantizes a row-major matrix of BF16.
    pub fn from_bf16(data: &[u16], rows: usize, cols: usize, options: &QuantOptions<'t>) -> Result<Self> {
        let options = options.to_c();
        Self::made(|out| unsafe { sys::quant_from_bf16(data.as_ptr(), data.len(), rows, cols, &options, out) })
    }

    /// Makes a matrix of GPTQ's tensors.
    pub fn from_gptq(tensors: &QuantTensors<'_>, rows: usize, cols: usize, options: &QuantOptions<'t>) -> Result<Self> {
        let (tensors, options) = (tensors.to_c(), options.to_c());
        Self::made(|out| unsafe { sys::quant_from_gptq(&tensors, rows, cols, &options, out) })
    }

    /// Makes a matrix of AWQ's tensors; options say 4 bits.
    pub fn from_awq(tensors: &QuantTensors<'_>, rows: usize, cols: usize, options: &QuantOptions<'t>) -> Result<Self> {
        let (tensors, options) = (tensors.to_c(), options.to_c());
        Self::made(|out| unsafe { sys::quant_from_awq(&tensors, rows, cols, &options, out) })
    }

    /// Makes a matrix of HQQ's tensors.
    pub fn from_hqq(tensors: &QuantTensors<'_>, rows: usize, cols: usize, options: &QuantOptions<'t>) -> Result<Self> {
        let (tensors, options) = (tensors.to_c(), options.to_c());
        Self::made(|out| unsafe { sys::quant_from_hqq(&tensors, rows, cols, &options, out) })
    }

    /// Makes a matrix of weights that already are in one of the field's formats, where they are.
    pub fn borrow(dtype: DType, bytes: &'t [u8], rows: usize, cols: usize) -> Result<Self> {
        let (data, n) = (bytes.as_ptr().cast(), bytes.len());
        // The bytes outlive the matrix unchanged.
        Self::made(|out| unsafe { sys::quant_borrow(dtype.0, data, n, rows, cols, std::ptr::null(), out) })
    }

    /// Makes a matrix of saved bytes, where they are: at a multiple of 64.
    pub fn load_bytes(bytes: &'t [u8]) -> Result<Self> {
        // As above.
        Self::made(|out| unsafe { sys::quant_load_bytes(bytes.as_ptr().cast(), bytes.len(), std::ptr::null(), out) })
    }

    /// Makes a packed copy of a plain matrix of the library's own form.
    pub fn pack<'u>(&self, place: Place<'u>) -> Result<Quant<'u>> {
        let options = sys::infermem_quant_options { tape: place.tape, ..Default::default() };
        Quant::made(|out| unsafe { sys::quant_pack(self.as_ptr(), &options, out) })
    }

    /// Makes a plain copy of a packed matrix.
    pub fn unpack<'u>(&self, place: Place<'u>) -> Result<Quant<'u>> {
        let options = sys::infermem_quant_options { tape: place.tape, ..Default::default() };
        Quant::made(|out| unsafe { sys::quant_unpack(self.as_ptr(), &options, out) })
    }

    /// Writes the matrix to a file, whole or not at all.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = c_path("quant_save", path.as_ref())?;
        check(unsafe { sys::quant_save(self.as_ptr(), path.as_ptr()) })
    }

    /// Verifies the checksums of a matrix that was loaded.
    pub fn verify(&self) -> Result<()> {
        check(unsafe { sys::quant_verify(self.as_ptr()) })
    }

    /// Turns the whole matrix into floats, row-major.
    pub fn to_f32(&self, out: &mut [f32]) -> Result<()> {
        check(unsafe { sys::quant_to_f32(self.as_ptr(), out.as_mut_ptr(), out.len()) })
    }

    /// Turns the whole matrix into F16, row-major.
    pub fn to_f16(&self, out: &mut [u16]) -> Result<()> {
        check(unsafe { sys::quant_to_f16(self.as_ptr(), out.as_mut_ptr(), out.len()) })
    }

    /// Turns the whole matrix into BF16, row-major.
    pub fn to_bf16(&self, out: &mut [u16]) -> Result<()> {
        check(unsafe { sys::quant_to_bf16(self.as_ptr(), out.as_mut_ptr(), out.len()) })
    }

    /// Turns a range of rows into floats.
    pub fn range_to_f32(&self, rows: Range<usize>, out: &mut [f32]) -> Result<()> {
        let (first, n, n_out) = (rows.start, rows.len(), out.len());
        check(unsafe { sys::quant_range_to_f32(self.as_ptr(), first, n, out.as_mut_ptr(), n_out) })
    }

    /// Turns the rows of the given indices into floats, one after the other.
    #[inline]
    pub fn rows_to_f32(&self, rows: &[usize], out: &mut [f32]) -> Result<()> {
        let (n, n_out) = (rows.len(), out.len());
        check(unsafe { sys::quant_rows_to_f32(self.as_ptr(), rows.as_ptr(), n, out.as_mut_ptr(), n_out) })
    }

    /// Measures the matrix against floats, usually those that it was made from.
    pub fn error(&self, data: &[f32]) -> Result<QuantErrors> {
        filled(|out| unsafe { sys::quant_error(self.as_ptr(), data.as_ptr(), data.len(), out) }).map(QuantErrors::from)
    }

    /// Copies a matrix of the library's own form out as plain arrays.
    pub fn export(&self, levels: &mut [u8], scales: &mut [f32], mins: &mut [f32]) -> Result<()> {
        let (n_levels, n_scales, n_mins) = (levels.len(), scales.len(), mins.len());
        let (levels, scales, mins) = (levels.as_mut_ptr(), scales.as_mut_ptr(), mins.as_mut_ptr());
        check(unsafe { sys::quant_export(self.as_ptr(), levels, n_levels, scales, n_scales, mins, n_mins) })
    }

    /// The product of a range of rows with a vector: a thread's share.
    #[inline]
    pub fn gemv(&self, rows: Range<usize>, x: &[f32], out: &mut [f32]) -> Result<()> {
        let (first, n, n_out) = (rows.start, rows.len(), out.len());
        check(unsafe { sys::quant_gemv(self.as_ptr(), first, n, x.as_ptr(), x.len(), out.as_mut_ptr(), n_out) })
    }

    /// The same for the rows of the given indices.
    #[inline]
    pub fn gemv_rows(&self, rows: &[usize], x: &[f32], out: &mut [f32]) -> Result<()> {
        let (n, n_x, n_out) = (rows.len(), x.len(), out.len());
        check(unsafe {
            sys::quant_gemv_rows(self.as_ptr(), rows.as_ptr(), n, x.as_ptr(), n_x, out.as_mut_ptr(), n_out)
        })
    }

    /// The product with one row.
    #[inline]
    pub fn dot_row(&self, row: usize, x: &[f32]) -> Result<f32> {
        filled(|out| unsafe { sys::quant_dot_row(self.as_ptr(), row, x.as_ptr(), x.len(), out) })
    }

    /// The product of a range of rows with several vectors, vector after vector in `x`; `stride` floats from one vector's
    /// products to the next's.
    pub fn gemm(&self, rows: Range<usize>, x: &[f32], n_vectors: usize, out: &mut [f32], stride: usize) -> Result<()> {
        let (first, n, n_out) = (rows.start, rows.len(), out.len());
        check(unsafe {
            let (x, n_x, out) = (x.as_ptr(), x.len(), out.as_mut_ptr());
            sys::quant_gemm(self.as_ptr(), first, n, x, n_x, n_vectors, out, stride, n_out)
        })
    }

    /// The product of a range of rows with a vector that [`activations`] wrote.
    #[inline]
    pub fn gemv_q8(&self, rows: Range<usize>, x: &[u8], out: &mut [f32]) -> Result<()> {
        let (first, n, n_out) = (rows.start, rows.len(), out.len());
        let (x, n_x) = (x.as_ptr().cast(), x.len());
        check(unsafe { sys::quant_gemv_q8(self.as_ptr(), first, n, x, n_x, out.as_mut_ptr(), n_out) })
    }

    /// The same with several vectors.
    pub fn gemm_q8(
        &self,
        rows: Range<usize>,
        x: &[u8],
        n_vectors: usize,
        out: &mut [f32],
        stride: usize,
    ) -> Result<()> {
        let (first, n, n_out) = (rows.start, rows.len(), out.len());
        check(unsafe {
            let (x, n_x, out) = (x.as_ptr().cast(), x.len(), out.as_mut_ptr());
            sys::quant_gemm_q8(self.as_ptr(), first, n, x, n_x, n_vectors, out, stride, n_out)
        })
    }

    /// The rows and columns.
    pub fn shape(&self) -> Result<(usize, usize)> {
        let (mut rows, mut cols) = (0, 0);
        check(unsafe { sys::quant_shape(self.as_ptr(), &mut rows, &mut cols) })?;
        Ok((rows, cols))
    }

    /// Bytes of the values and of the parameters that are stored.
    pub fn bytes(&self) -> usize {
        unsafe { sys::quant_bytes(self.as_ptr()) }
    }

    /// Bits of a stored value, its share of the parameters apart.
    pub fn bits(&self) -> i32 {
        unsafe { sys::quant_bits(self.as_ptr()) }
    }

    /// Values that share parameters; of a borrowed type the elements of a block.
    pub fn group(&self) -> usize {
        unsafe { sys::quant_group(self.as_ptr()) }
    }

    /// The type of the scales and minima.
    pub fn params(&self) -> DType {
        DType(unsafe { sys::quant_params(self.as_ptr()) })
    }

    /// Whether minima are implied rather than stored.
    pub fn is_symmetric(&self) -> bool {
        unsafe { sys::quant_is_symmetric(self.as_ptr()) != 0 }
    }

    /// How it lies in memory.
    pub fn layout(&self) -> QuantLayout {
        QuantLayout::from_number(unsafe { sys::quant_layout(self.as_ptr()) })
    }

    /// The type of a borrowed matrix; None of the library's own form.
    pub fn dtype(&self) -> Option<DType> {
        let dtype = unsafe { sys::quant_dtype(self.as_ptr()) };
        (dtype != sys::INFERMEM_QUANT_NATIVE).then_some(DType(dtype))
    }
}

impl Quant<'static> {
    /// Makes a matrix of a file that `save` wrote, whose checksums are verified first. Nothing is copied: the file is
    /// mapped, and must not be changed as long as the matrix lives; bytes that another process cuts off fault.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_with(path.as_ref(), 0)
    }

    /// The same without reading the data, whatever its size; see [`verify`](Self::verify).
    pub fn load_unverified(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_with(path.as_ref(), u64::from(sys::INFERMEM_QUANT_NO_VERIFY))
    }

    fn load_with(path: &Path, flags: u64) -> Result<Self> {
        let path = c_path("quant_load", path)?;
        let options = sys::infermem_quant_options { flags, ..Default::default() };
        Self::made(|out| unsafe { sys::quant_load(path.as_ptr(), &options, out) })
    }
}

impl fmt::Debug for Quant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quant").field("shape", &self.shape().ok()).field("bits", &self.bits()).finish()
    }
}

/// Quantizes a row-major matrix of floats to blocks of one of the field's formats, which [`Quant::borrow`] reads.
pub fn quantize(dtype: DType, data: &[f32], rows: usize, cols: usize, out: &mut [u8]) -> Result<()> {
    let (n, n_out) = (data.len(), out.len());
    check(unsafe { sys::quant_quantize(dtype.0, data.as_ptr(), n, rows, cols, out.as_mut_ptr().cast(), n_out) })
}

/// Bytes that [`activations`] writes of n_vectors vectors of n elements each; 0 where they do not fit.
pub fn activations_bytes(n: usize, n_vectors: usize) -> usize {
    unsafe { sys::quant_activations_bytes(n, n_vectors) }
}

/// Quantizes vectors of n elements to 8 bits, once for all the products that they are in. `out` is at a multiple of 4, of
/// 64 at best, as [`TapeRef::alloc`](crate::TapeRef::alloc) gives it.
pub fn activations(x: &[f32], n: usize, n_vectors: usize, out: &mut [u8]) -> Result<()> {
    let n_out = out.len();
    check(unsafe { sys::quant_activations(x.as_ptr(), x.len(), n, n_vectors, out.as_mut_ptr().cast(), n_out) })
}
