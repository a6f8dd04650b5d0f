//! Tapes and layouts.

use infermem::{Code, Layout, LayoutOptions, Tape, TapeFlags, TapeOptions};

fn tape(size: usize, flags: TapeFlags) -> Tape<'static> {
    Tape::new(&TapeOptions { size, flags, ..Default::default() }).unwrap()
}

#[test]
fn what_is_taken_is_aligned_apart_and_given_back_at_once() {
    let mut tape = tape(1 << 16, TapeFlags::ZERO_ON_CLEAR);
    let bytes = tape.alloc(100, 256).unwrap();
    let floats = tape.alloc_slice::<f32>(10).unwrap();
    let copied = tape.alloc_copy(&[1_u16, 2, 3]).unwrap();
    assert_eq!(bytes.as_ptr() as usize % 256, 0);
    assert_eq!(floats.as_ptr() as usize % 64, 0);
    bytes.fill(7);
    floats.fill(1.5);
    assert_eq!((bytes[99], floats[9], &copied[..]), (7, 1.5, &[1, 2, 3][..]));
    assert!(tape.owns(copied.as_ptr()));
    assert!(tape.alloc_slice::<u64>(0).unwrap().is_empty());
    let (used, total) = (tape.used(), tape.total());
    assert!(used >= 100 + 40 + 6 && used + tape.free_bytes() == total);
    tape.clear().unwrap();
    assert_eq!((tape.used(), tape.generation(), tape.peak()), (0, 1, used));
    assert_eq!(tape.alloc(4, 1).unwrap(), [0; 4]);
}

#[test]
fn a_full_tape_says_what_is_missing_and_stays_as_it_is() {
    let tape = tape(4096, TapeFlags::default());
    tape.alloc(4000, 1).unwrap();
    let error = tape.alloc(200, 1).unwrap_err();
    assert_eq!((error.code(), error.function()), (Code::Full, "tape_alloc"));
    assert!(error.message().contains("200"), "{error}");
    assert_eq!((tape.used(), tape.failures()), (4000, 1));
    assert_eq!(tape.alloc(0, 1).unwrap_err().code(), Code::Arg);
    assert_eq!(tape.alloc(8, 3).unwrap_err().code(), Code::Arg);
    assert_eq!(tape.alloc_slice::<u64>(usize::MAX).unwrap_err().code(), Code::Overflow);
}

#[test]
fn a_mark_gives_back_what_came_after_it() {
    let mut first = tape(4096, TapeFlags::default());
    let mut second = tape(4096, TapeFlags::default());
    first.alloc(100, 1).unwrap();
    let mark = first.mark().unwrap();
    first.alloc(100, 1).unwrap();
    first.rewind(&mark).unwrap();
    assert_eq!(first.used(), 100);
    assert_eq!(second.rewind(&mark).unwrap_err().code(), Code::Arg);
    first.clear().unwrap();
    assert_eq!(first.rewind(&mark).unwrap_err().code(), Code::Stale);
}

#[test]
fn a_sealed_tape_gives_nothing() {
    let mut tape = tape(4096, TapeFlags::default());
    tape.warm().unwrap();
    let row = tape.alloc_copy(&[1.0_f32]).unwrap();
    // Nothing writes to it from here on.
    unsafe { tape.seal_in_use() }.unwrap();
    assert_eq!(row[0], 1.0);
    assert!(tape.info().unwrap().is_sealed);
    assert_eq!(tape.alloc(1, 1).unwrap_err().code(), Code::Sealed);
    tape.seal().unwrap();
    tape.unseal().unwrap();
    tape.alloc(1, 1).unwrap();
    tape.trim().unwrap();
}

#[test]
fn lent_memory_is_used_and_stays() {
    let mut memory = vec![0; 4096];
    let begin = memory.as_ptr();
    let tape = Tape::lent(&mut memory, TapeFlags::default()).unwrap();
    let bytes = tape.alloc(16, 1).unwrap();
    bytes.fill(9);
    assert_eq!((bytes.as_ptr(), tape.total()), (begin, 4096));
    drop(tape);
    assert_eq!(memory[15..17], [9, 0]);
}

#[test]
fn an_exclusive_tape_is_made_by_its_own_name() {
    let exclusive = TapeFlags::from_bits(infermem::sys::INFERMEM_TAPE_EXCLUSIVE);
    let options = TapeOptions { size: 4096, flags: exclusive, ..Default::default() };
    assert_eq!(Tape::new(&options).unwrap_err().code(), Code::Arg);
    let tape = Tape::exclusive(&TapeOptions { size: 4096, ..Default::default() }).unwrap();
    assert!(tape.info().unwrap().requested.contains(exclusive));
    assert_eq!(tape.alloc(8, 8).unwrap().len(), 8);
    let unknown = TapeOptions { size: 4096, flags: TapeFlags::from_bits(1 << 30), ..Default::default() };
    assert_eq!(Tape::new(&unknown).unwrap_err().code(), Code::Arg);
}

#[test]
fn a_layout_has_the_tapes_that_it_was_given_sizes_for() {
    let options = LayoutOptions { weights_size: 8192, history_size: 4096, ..Default::default() };
    let mut layout = Layout::exclusive(&options).unwrap();
    assert!(layout.scratch().is_none());
    layout.weights().unwrap().alloc(100, 1).unwrap();
    layout.history().unwrap().alloc(50, 1).unwrap();
    let usage = layout.usage().unwrap();
    assert_eq!((usage.weights_used, usage.history_used, usage.scratch_total), (100, 50, 0));
    assert_eq!(layout.total(), 12288);
    assert!(layout.usage_text().unwrap().starts_with("weights: 0/0 MB"));
    layout.clear_talk().unwrap();
    layout.clear_pass().unwrap();
    assert_eq!(layout.usage().unwrap().history_used, 0);
    let tapes = layout.tapes();
    assert_eq!(tapes.weights.unwrap().clear().unwrap_err().code(), Code::State);
    assert_eq!(Layout::new(&LayoutOptions::default()).unwrap_err().code(), Code::Arg);
}
