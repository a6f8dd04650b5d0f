/* infermem.h: the memory of an LLM inference runtime. Includes every header of the library. */
#ifndef INFERMEM_H
#define INFERMEM_H

#include "infermem/abi.h"
#include "infermem/alloc.h"
#include "infermem/api.h"
#include "infermem/device.h"
#include "infermem/dispatch.h"
#include "infermem/dlpack.h"
#include "infermem/dtype.h"
#include "infermem/error.h"
#include "infermem/io.h"
#include "infermem/kv.h"
#include "infermem/layout.h"
#include "infermem/model.h"
#include "infermem/neuron.h"
#include "infermem/pad.h"
#include "infermem/plan.h"
#include "infermem/quant.h"
#include "infermem/scratch.h"
#include "infermem/simd.h"
#include "infermem/tensor.h"

#endif
