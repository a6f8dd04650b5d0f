package infermem

// SIMDName is the instruction set in use (infermem_simd_name).
func SIMDName() string { return goString(infermem_simd_name()) }

// SIMDAvailable is what there is to choose from, from the plainest to the fastest (infermem_simd_available).
func SIMDAvailable() (names []string) {
	for i := uint(0); ; i++ {
		name := infermem_simd_available(i)
		if name == nil {
			return names
		}
		names = append(names, goString(name))
	}
}

// SelectSIMD uses another instruction set in the whole process; "" chooses the fastest (infermem_simd_select).
func SelectSIMD(name string) error {
	var p *byte
	if name != "" {
		var err error
		if p, err = cString("infermem_simd_select", name); err != nil {
			return err
		}
	}
	return check(nil, func() int32 { return infermem_simd_select(p) })
}
