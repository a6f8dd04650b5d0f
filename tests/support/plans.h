/* plans.h: what the tests of plans share: configurations of models, and a number of a plan in one call. */
#ifndef PLANS_H
#define PLANS_H

#include "support.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

/* Llama-3.1-8B in F16: 32 layers of 8 key heads of 128; 16,060,522,496 bytes. */
infermem_model_config plans_llama8(void);
/* Llama-3.1-70B in F16: 80 layers, otherwise as above. */
infermem_model_config plans_llama70(void);
/* Mixtral-8x7B in F16: 8 experts, 2 in use. */
infermem_model_config plans_mixtral(void);

/* A device with so many bytes free, and options for caches of F16. */
infermem_plan_device plans_device(uint64_t free_bytes);
infermem_plan_options plans_f16(uint64_t context);

/* A plan of the configuration on one device with so many bytes free, of the driver's context and the margin none taken.
 * Options may be NULL. */
infermem_plan *plans_one(const infermem_model_config *config, uint64_t free_bytes,
                         const infermem_plan_options *options);

/* A number of a plan's, over all places or of one. */
uint64_t plans_get(const infermem_plan *plan, uint32_t key);
uint64_t plans_at(const infermem_plan *plan, uint32_t key, uint32_t place);

/* Asserts what holds of any plan: terms, places and layers add up, and it fits where it is no refusal. */
void plans_check(const infermem_plan *plan);

#endif
