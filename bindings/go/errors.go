package infermem

import "syscall"

// Code is a status code of the library, and by itself an error: ErrFull and the others are of this type, for errors.Is.
type Code int32

// Error is the sentence of the code (infermem_error_text).
func (c Code) Error() string { return "infermem: " + goString(infermem_error_text(int32(c))) }

// Name is the code's name in C, "INFERMEM_E_FULL" (infermem_error_name).
func (c Code) Name() string { return goString(infermem_error_name(int32(c))) }

// Error is what a failed call says. errors.Is(err, ErrFull) asks for its code; errors.Is(err, fs.ErrNotExist) and the like
// for what the operating system, or a reader or writer that the call was given, said.
type Error struct {
	Code     Code
	Function string        // of the library, "tape_alloc"
	Expected uint64        // the value, limit or length required, where the message has one
	Got      uint64        // what there was instead
	OSError  syscall.Errno // of the operating system's refusal, or 0
	Message  string        // a sentence with the numbers in it
	Cause    error         // what the caller's reader or writer returned, or nil
}

func (e *Error) Error() string {
	message := "infermem: "
	if e.Function != "" {
		message += e.Function + ": "
	}
	message += e.Message
	if e.Cause != nil {
		message += ": " + e.Cause.Error()
	}
	return message
}

// Is tells whether target is the code.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// Unwrap is the cause, or else the operating system's error.
func (e *Error) Unwrap() error {
	switch {
	case e.Cause != nil:
		return e.Cause
	case e.OSError != 0:
		return e.OSError
	}
	return nil
}

// lastError is the error of a call of this thread that has just failed.
func lastError(code Code) error {
	detail := infermem_error_detail()
	if Code(detail.Code) != code {
		return &Error{Code: code, Message: goString(infermem_error_text(int32(code)))}
	}
	err := &Error{Code: code, Function: goString(detail.Function), Expected: detail.Expected, Got: detail.Got,
		OSError: syscall.Errno(detail.OSError), Message: text(detail.Message[:])}
	infermem_error_clear() // so that a later failure without a record of its own is not told as this one
	return err
}
