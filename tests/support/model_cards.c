#include "model_cards.h"

#include <stdlib.h>

/* Sources of the numbers:
 *   "card": the parameters that the model's page on Hugging Face counts; the rest by the model's config.json
 *   "log": what llama.cpp logs of the model's cache, in MiB, as elements
 *   "paper" or a place in a loader: where the layout is told */
const struct model_card model_cards[] = {
    /* ---- Dense, all heads with keys of their own ---- */
    {.name = "Llama-2-7B",
     .source = "card",
     .text =
         "{\"model_type\": \"llama\", \"hidden_size\": 4096, \"num_hidden_layers\": 32, \"num_attention_heads\": 32,"
         "\"num_key_value_heads\": 32, \"intermediate_size\": 11008, \"vocab_size\": 32000, \"rms_norm_eps\": 1e-05,"
         "\"max_position_embeddings\": 4096, \"tie_word_embeddings\": false, \"torch_dtype\": \"float16\"}",
     .elements = 6738415616,
     .n_global = 32,
     .kv_elements = 32 * 32 * (128 + 128)},
    {.name = "GPT-2",
     .source = "card",
     .text = "{\"model_type\": \"gpt2\", \"n_embd\": 768, \"n_layer\": 12, \"n_head\": 12, \"n_positions\": 1024,"
             "\"n_inner\": null, \"vocab_size\": 50257, \"layer_norm_epsilon\": 1e-05}",
     .elements = 124439808,
     .n_global = 12,
     .kv_elements = 12 * 2 * 768},
    {.name = "Pythia-6.9B",
     .source = "card",
     .text =
         "{\"model_type\": \"gpt_neox\", \"hidden_size\": 4096, \"num_hidden_layers\": 32,"
         "\"num_attention_heads\": 32, \"intermediate_size\": 16384, \"vocab_size\": 50432, \"rotary_emb_base\": 10000,"
         "\"max_position_embeddings\": 2048, \"tie_word_embeddings\": false}",
     .elements = 6857302016,
     .n_global = 32,
     .kv_elements = 32 * 2 * 4096},
    {.name = "BLOOM-560M",
     .source = "card",
     .text = "{\"model_type\": \"bloom\", \"n_embed\": 1024, \"hidden_size\": 1024, \"n_layer\": 24, \"n_head\": 16,"
             "\"vocab_size\": 250880, \"seq_length\": 2048, \"layer_norm_epsilon\": 1e-05}",
     .elements = 559214592,
     .n_global = 24,
     .kv_elements = 24 * 2 * 1024},
    {.name = "MPT-7B",
     .source = "card",
     .text = "{\"model_type\": \"mpt\", \"d_model\": 4096, \"n_layers\": 32, \"n_heads\": 32, \"vocab_size\": 50432,"
             "\"max_seq_len\": 2048, \"expansion_ratio\": 4, \"no_bias\": true}",
     .elements = 6649286656,
     .n_global = 32,
     .kv_elements = 32 * 2 * 4096},
    {.name = "Phi-2",
     .source = "card",
     .text =
         "{\"model_type\": \"phi\", \"hidden_size\": 2560, \"num_hidden_layers\": 32, \"num_attention_heads\": 32,"
         "\"num_key_value_heads\": 32, \"intermediate_size\": 10240, \"vocab_size\": 51200, \"qk_layernorm\": false,"
         "\"max_position_embeddings\": 2048, \"tie_word_embeddings\": false, \"layer_norm_eps\": 1e-05}",
     .elements = 2779683840,
     .n_global = 32,
     .kv_elements = 32 * 2 * 2560},
    {.name = "StableLM-3B-4E1T",
     .source = "card",
     .text = "{\"model_type\": \"stablelm\", \"hidden_size\": 2560, \"num_hidden_layers\": 32,"
             "\"num_attention_heads\": 32, \"num_key_value_heads\": 32, \"intermediate_size\": 6912,"
             "\"vocab_size\": 50304, \"max_position_embeddings\": 4096, \"tie_word_embeddings\": false}",
     .elements = 2795443200,
     .n_global = 32,
     .kv_elements = 32 * 2 * 2560},
    {.name = "OLMo-2-1124-7B",
     .source = "card",
     .text =
         "{\"model_type\": \"olmo2\", \"hidden_size\": 4096, \"num_hidden_layers\": 32, \"num_attention_heads\": 32,"
         "\"num_key_value_heads\": 32, \"intermediate_size\": 11008, \"vocab_size\": 100352,"
         "\"max_position_embeddings\": 4096, \"tie_word_embeddings\": false, \"attention_bias\": false}",
     .elements = 7298617344,
     .n_global = 32,
     .kv_elements = 32 * 2 * 4096},

    /* ---- Dense, heads that share keys ---- */
    {.name = "Llama-2-70B",
     .source = "card",
     .text =
         "{\"model_type\": \"llama\", \"hidden_size\": 8192, \"num_hidden_layers\": 80, \"num_attention_heads\": 64,"
         "\"num_key_value_heads\": 8, \"intermediate_size\": 28672, \"vocab_size\": 32000,"
         "\"max_position_embeddings\": 4096}",
     .elements = 68976648192,
     .n_global = 80,
     .kv_elements = 80 * 8 * 256},
    {.name = "Llama-3.1-8B",
     .source = "card; 16 GiB of f16 keys and values at 131072 tokens: Hugging Face's post on Llama 3.1",
     .text =
         "{\"model_type\": \"llama\", \"hidden_size\": 4096, \"num_hidden_layers\": 32, \"num_attention_heads\": 32,"
         "\"num_key_value_heads\": 8, \"intermediate_size\": 14336, \"vocab_size\": 128256, \"rope_theta\": 500000.0,"
         "\"rope_scaling\": {\"factor\": 8.0, \"rope_type\": \"llama3\"}, \"max_position_embeddings\": 131072,"
         "\"tie_word_embeddings\": false, \"torch_dtype\": \"bfloat16\"}",
     .elements = 8030261248,
     .n_global = 32,
     .kv_elements = (uint64_t)16 * 1024 * 1024 * 1024 / 131072 / 2},
    {.name = "Llama-3.1-70B",
     .source = "card; 40 GiB of f16 keys and values at 131072 tokens",
     .text =
         "{\"model_type\": \"llama\", \"hidden_size\": 8192, \"num_hidden_layers\": 80, \"num_attention_heads\": 64,"
         "\"num_key_value_heads\": 8, \"intermediate_size\": 28672, \"vocab_size\": 128256,"
         "\"max_position_embeddings\": 131072, \"tie_word_embeddings\": false, \"torch_dtype\": \"bfloat16\"}",
     .elements = 70553706496,
     .n_global = 80,
     .kv_elements = (uint64_t)40 * 1024 * 1024 * 1024 / 131072 / 2},
    {.name = "Llama-3.1-405B",
     .source = "card",
     .text =
         "{\"model_type\": \"llama\", \"hidden_size\": 16384, \"num_hidden_layers\": 126, \"num_attention_heads\": 128,"
         "\"num_key_value_heads\": 8, \"intermediate_size\": 53248, \"vocab_size\": 128256,"
         "\"max_position_embeddings\": 131072, \"tie_word_embeddings\": false}",
     .elements = 405853388800,
     .n_global = 126,
     .kv_elements = 126 * 8 * 256},
    {.name = "Llama-3.2-1B",
     .source = "card",
     .text =
         "{\"model_type\": \"llama\", \"hidden_size\": 2048, \"num_hidden_layers\": 16, \"num_attention_heads\": 32,"
         "\"num_key_value_heads\": 8, \"head_dim\": 64, \"intermediate_size\": 8192, \"vocab_size\": 128256,"
         "\"max_position_embeddings\": 131072, \"tie_word_embeddings\": true}",
     .elements = 1235814400,
     .n_global = 16,
     .kv_elements = 16 * 8 * 128},
    {.name = "TinyLlama-1.1B, GGUF",
     .source = "card",
     .text = "general.architecture llama\nllama.block_count 22\nllama.embedding_length 2048\n"
             "llama.feed_forward_length 5632\nllama.attention.head_count 32\nllama.attention.head_count_kv 4\n"
             "llama.context_length 2048\nllama.vocab_size 32000\nllama.rope.dimension_count 64\n",
     .n_global = 22,
     .kv_elements = 22 * 4 * 128},
    {.name = "Mistral-Nemo-Base-2407",
     .source = "card",
     .text =
         "{\"model_type\": \"mistral\", \"hidden_size\": 5120, \"num_hidden_layers\": 40, \"num_attention_heads\": 32,"
         "\"num_key_value_heads\": 8, \"head_dim\": 128, \"intermediate_size\": 14336, \"vocab_size\": 131072,"
         "\"max_position_embeddings\": 128000, \"sliding_window\": null, \"tie_word_embeddings\": false}",
     .elements = 12247782400,
     .n_global = 40,
     .kv_elements = 40 * 8 * 256},
    {.name = "Qwen2-1.5B",
     .source = "card",
     .text =
         "{\"model_type\": \"qwen2\", \"hidden_size\": 1536, \"num_hidden_layers\": 28, \"num_attention_heads\": 12,"
         "\"num_key_value_heads\": 2, \"intermediate_size\": 8960, \"vocab_size\": 151936, \"sliding_window\": 131072,"
         "\"use_sliding_window\": false, \"max_window_layers\": 28, \"max_position_embeddings\": 131072,"
         "\"tie_word_embeddings\": true, \"torch_dtype\": \"bfloat16\"}",
     .elements = 1543714304,
     .n_global = 28,
     .kv_elements = 28 * 2 * 256},
    {.name = "Qwen2.5-7B",
     .source = "card",
     .text =
         "{\"model_type\": \"qwen2\", \"hidden_size\": 3584, \"num_hidden_layers\": 28, \"num_attention_heads\": 28,"
         "\"num_key_value_heads\": 4, \"intermediate_size\": 18944, \"vocab_size\": 152064, \"sliding_window\": 131072,"
         "\"use_sliding_window\": false, \"max_position_embeddings\": 131072, \"tie_word_embeddings\": false}",
     .elements = 7615616512,
     .n_global = 28,
     .kv_elements = 28 * 4 * 256},
    {.name = "StarCoder2-3B",
     .source = "card; its window of 4096 is in all layers",
     .text = "{\"model_type\": \"starcoder2\", \"hidden_size\": 3072, \"num_hidden_layers\": 30,"
             "\"num_attention_heads\": 24, \"num_key_value_heads\": 2, \"intermediate_size\": 12288,"
             "\"vocab_size\": 49152, \"sliding_window\": 4096, \"max_position_embeddings\": 16384, \"use_bias\": true}",
     .elements = 3030371328,
     .n_window = 30,
     .window = 4096,
     .window_elements = 30 * 2 * 256},

    /* ---- One key and value head ---- */
    {.name = "Falcon-7B",
     .source = "card",
     .text =
         "{\"model_type\": \"falcon\", \"hidden_size\": 4544, \"num_hidden_layers\": 32, \"num_attention_heads\": 71,"
         "\"multi_query\": true, \"new_decoder_architecture\": false, \"bias\": false, \"vocab_size\": 65024,"
         "\"max_position_embeddings\": 2048, \"torch_dtype\": \"bfloat16\"}",
     .elements = 6921720704,
     .n_global = 32,
     .kv_elements = 32 * 128},
    {.name = "Gemma-2B",
     .source = "card",
     .text = "{\"model_type\": \"gemma\", \"hidden_size\": 2048, \"num_hidden_layers\": 18, \"num_attention_heads\": 8,"
             "\"num_key_value_heads\": 1, \"head_dim\": 256, \"intermediate_size\": 16384, \"vocab_size\": 256000,"
             "\"max_position_embeddings\": 8192}",
     .elements = 2506172416,
     .n_global = 18,
     .kv_elements = 18 * 512},

    /* ---- Heads that do not share the hidden dimension out ---- */
    {.name = "Gemma-7B",
     .source = "card",
     .text =
         "{\"model_type\": \"gemma\", \"hidden_size\": 3072, \"num_hidden_layers\": 28, \"num_attention_heads\": 16,"
         "\"num_key_value_heads\": 16, \"head_dim\": 256, \"intermediate_size\": 24576, \"vocab_size\": 256000,"
         "\"max_position_embeddings\": 8192}",
     .elements = 8537680896,
     .n_global = 28,
     .kv_elements = 28 * 16 * 512},
    {.name = "Qwen3-0.6B",
     .source = "card, without the output's matrix, which is a copy of the embedding",
     .text =
         "{\"model_type\": \"qwen3\", \"hidden_size\": 1024, \"num_hidden_layers\": 28, \"num_attention_heads\": 16,"
         "\"num_key_value_heads\": 8, \"head_dim\": 128, \"intermediate_size\": 3072, \"vocab_size\": 151936,"
         "\"sliding_window\": null, \"max_position_embeddings\": 40960, \"tie_word_embeddings\": true,"
         "\"attention_bias\": false}",
     .elements = 596049920,
     .n_global = 28,
     .kv_elements = 28 * 8 * 256},
    {.name = "Qwen3-8B",
     .source = "card",
     .text =
         "{\"model_type\": \"qwen3\", \"hidden_size\": 4096, \"num_hidden_layers\": 36, \"num_attention_heads\": 32,"
         "\"num_key_value_heads\": 8, \"head_dim\": 128, \"intermediate_size\": 12288, \"vocab_size\": 151936,"
         "\"max_position_embeddings\": 40960, \"tie_word_embeddings\": false}",
     .elements = 8190735360,
     .n_global = 36,
     .kv_elements = 36 * 8 * 256},

    /* ---- Experts ---- */
    {.name = "Mixtral-8x7B",
     .source = "card",
     .text =
         "{\"model_type\": \"mixtral\", \"hidden_size\": 4096, \"num_hidden_layers\": 32, \"num_attention_heads\": 32,"
         "\"num_key_value_heads\": 8, \"intermediate_size\": 14336, \"vocab_size\": 32000, \"num_local_experts\": 8,"
         "\"num_experts_per_tok\": 2, \"sliding_window\": null, \"max_position_embeddings\": 32768,"
         "\"tie_word_embeddings\": false}",
     .elements = 46702792704,
     .n_global = 32,
     .kv_elements = 32 * 8 * 256},
    {.name = "Mixtral-8x22B, GGUF",
     .source = "card",
     .text = "general.architecture llama\nllama.block_count 56\nllama.embedding_length 6144\n"
             "llama.feed_forward_length 16384\nllama.attention.head_count 48\nllama.attention.head_count_kv 8\n"
             "llama.context_length 65536\nllama.vocab_size 32000\nllama.expert_count 8\nllama.expert_used_count 2\n",
     .n_global = 56,
     .kv_elements = 56 * 8 * 256},
    {.name = "Qwen3-30B-A3B",
     .source = "card",
     .text = "{\"model_type\": \"qwen3_moe\", \"hidden_size\": 2048, \"num_hidden_layers\": 48,"
             "\"num_attention_heads\": 32, \"num_key_value_heads\": 4, \"head_dim\": 128, \"intermediate_size\": 6144,"
             "\"moe_intermediate_size\": 768, \"num_experts\": 128, \"num_experts_per_tok\": 8,"
             "\"decoder_sparse_step\": 1, \"mlp_only_layers\": [], \"vocab_size\": 151936, \"sliding_window\": null,"
             "\"max_position_embeddings\": 40960, \"tie_word_embeddings\": false}",
     .elements = 30532122624,
     .n_global = 48,
     .kv_elements = 48 * 4 * 256},
    {.name = "Qwen1.5-MoE-A2.7B",
     .source = "card",
     .text = "{\"model_type\": \"qwen2_moe\", \"hidden_size\": 2048, \"num_hidden_layers\": 24,"
             "\"num_attention_heads\": 16, \"num_key_value_heads\": 16, \"intermediate_size\": 5632,"
             "\"moe_intermediate_size\": 1408, \"shared_expert_intermediate_size\": 5632, \"num_experts\": 60,"
             "\"num_experts_per_tok\": 4, \"decoder_sparse_step\": 1, \"vocab_size\": 151936,"
             "\"use_sliding_window\": false, \"sliding_window\": 32768, \"max_position_embeddings\": 8192,"
             "\"tie_word_embeddings\": false}",
     .elements = 14315784192,
     .n_global = 24,
     .kv_elements = 24 * 2 * 2048},
    {.name = "OLMoE-1B-7B",
     .source = "card",
     .text =
         "{\"model_type\": \"olmoe\", \"hidden_size\": 2048, \"num_hidden_layers\": 16, \"num_attention_heads\": 16,"
         "\"num_key_value_heads\": 16, \"intermediate_size\": 1024, \"num_experts\": 64, \"num_experts_per_tok\": 8,"
         "\"vocab_size\": 50304, \"max_position_embeddings\": 4096, \"tie_word_embeddings\": false}",
     .elements = 6919161856,
     .n_global = 16,
     .kv_elements = 16 * 2 * 2048},
    {.name = "DeepSeek-MoE-16B",
     .source = "card",
     .text =
         "{\"model_type\": \"deepseek\", \"hidden_size\": 2048, \"num_hidden_layers\": 28, \"num_attention_heads\": 16,"
         "\"num_key_value_heads\": 16, \"intermediate_size\": 10944, \"moe_intermediate_size\": 1408,"
         "\"n_routed_experts\": 64, \"n_shared_experts\": 2, \"num_experts_per_tok\": 6,"
         "\"first_k_dense_replace\": 1, \"moe_layer_freq\": 1, \"vocab_size\": 102400,"
         "\"max_position_embeddings\": 4096, \"tie_word_embeddings\": false}",
     .elements = 16375728128,
     .n_global = 28,
     .kv_elements = 28 * 2 * 2048},
    {.name = "gpt-oss-20b",
     .source = "card; every second layer has the window (OpenAI's model card, section 2.2)",
     .text =
         "{\"model_type\": \"gpt_oss\", \"hidden_size\": 2880, \"num_hidden_layers\": 24, \"num_attention_heads\": 64,"
         "\"num_key_value_heads\": 8, \"head_dim\": 64, \"intermediate_size\": 2880, \"num_local_experts\": 32,"
         "\"num_experts_per_tok\": 4, \"vocab_size\": 201088, \"sliding_window\": 128, \"attention_bias\": true,"
         "\"max_position_embeddings\": 131072, \"tie_word_embeddings\": false,"
         "\"quantization_config\": {\"quant_method\": \"mxfp4\", \"modules_to_not_convert\": [\"lm_head\"]}}",
     .elements = 20914757184,
     .n_global = 12,
     .n_window = 12,
     .kv_elements = 12 * 8 * 128,
     .window = 128,
     .window_elements = 12 * 8 * 128},
    {.name = "gpt-oss-120b, GGUF",
     .source = "card; llama.cpp: windows in even layers",
     .text = "general.architecture gpt-oss\ngpt-oss.block_count 36\ngpt-oss.embedding_length 2880\n"
             "gpt-oss.feed_forward_length 2880\ngpt-oss.expert_feed_forward_length 2880\n"
             "gpt-oss.attention.head_count 64\ngpt-oss.attention.head_count_kv 8\ngpt-oss.attention.key_length 64\n"
             "gpt-oss.attention.value_length 64\ngpt-oss.attention.sliding_window 128\ngpt-oss.expert_count 128\n"
             "gpt-oss.expert_used_count 4\ngpt-oss.vocab_size 201088\ngpt-oss.context_length 131072\n",
     .n_global = 18,
     .n_window = 18,
     .kv_elements = 18 * 8 * 128,
     .window = 128,
     .window_elements = 18 * 8 * 128},
    {.name = "GLM-4.5-Air, GGUF",
     .source = "zai-org/GLM-4.5-Air: 46 layers and one that predicts a further token",
     .text = "general.architecture glm4moe\nglm4moe.block_count 47\nglm4moe.embedding_length 4096\n"
             "glm4moe.feed_forward_length 10944\nglm4moe.attention.head_count 96\nglm4moe.attention.head_count_kv 8\n"
             "glm4moe.attention.key_length 128\nglm4moe.attention.value_length 128\nglm4moe.expert_count 128\n"
             "glm4moe.expert_used_count 8\nglm4moe.expert_shared_count 1\nglm4moe.expert_feed_forward_length 1408\n"
             "glm4moe.leading_dense_block_count 1\nglm4moe.nextn_predict_layers 1\nglm4moe.vocab_size 151552\n"
             "glm4moe.context_length 131072\n",
     .n_global = 46,
     .kv_elements = 46 * 8 * 256},

    /* ---- Latent attention ---- */
    {.name = "DeepSeek-V2-Lite",
     .source = "card",
     .text = "{\"model_type\": \"deepseek_v2\", \"hidden_size\": 2048, \"num_hidden_layers\": 27,"
             "\"num_attention_heads\": 16, \"num_key_value_heads\": 16, \"kv_lora_rank\": 512, \"q_lora_rank\": null,"
             "\"qk_nope_head_dim\": 128, \"qk_rope_head_dim\": 64, \"v_head_dim\": 128, \"intermediate_size\": 10944,"
             "\"moe_intermediate_size\": 1408, \"n_routed_experts\": 64, \"n_shared_experts\": 2,"
             "\"num_experts_per_tok\": 6, \"first_k_dense_replace\": 1, \"moe_layer_freq\": 1, \"vocab_size\": 102400,"
             "\"max_position_embeddings\": 163840, \"tie_word_embeddings\": false}",
     .elements = 15706484224,
     .n_global = 27,
     .kv_elements = 27 * (512 + 64)},
    {.name = "DeepSeek-V3",
     .source =
         "671,026,404,352 parameters: transformers, without the further layer and the routers' biases; 1098 MiB of "
         "f16 at 16384 tokens: llama.cpp",
     .text = "{\"model_type\": \"deepseek_v3\", \"hidden_size\": 7168, \"num_hidden_layers\": 61,"
             "\"num_attention_heads\": 128, \"num_key_value_heads\": 128, \"kv_lora_rank\": 512, \"q_lora_rank\": 1536,"
             "\"qk_nope_head_dim\": 128, \"qk_rope_head_dim\": 64, \"v_head_dim\": 128, \"intermediate_size\": 18432,"
             "\"moe_intermediate_size\": 2048, \"n_routed_experts\": 256, \"n_shared_experts\": 1,"
             "\"num_experts_per_tok\": 8, \"first_k_dense_replace\": 3, \"moe_layer_freq\": 1, \"vocab_size\": 129280,"
             "\"max_position_embeddings\": 163840, \"tie_word_embeddings\": false, \"torch_dtype\": \"bfloat16\"}",
     .elements = 671026404352,
     .n_global = 61,
     .kv_elements = (uint64_t)1098 * 1024 * 1024 / 16384 / 2},
    {.name = "DeepSeek-V3, GGUF",
     .source = "llama.cpp's log: 1098 MiB of f16 at 16384 tokens",
     .text = "general.architecture deepseek2\ndeepseek2.block_count 61\ndeepseek2.embedding_length 7168\n"
             "deepseek2.feed_forward_length 18432\ndeepseek2.attention.head_count 128\n"
             "deepseek2.attention.head_count_kv 1\ndeepseek2.attention.key_length 576\n"
             "deepseek2.attention.value_length 512\ndeepseek2.attention.key_length_mla 192\n"
             "deepseek2.attention.value_length_mla 128\ndeepseek2.attention.kv_lora_rank 512\n"
             "deepseek2.attention.q_lora_rank 1536\ndeepseek2.rope.dimension_count 64\ndeepseek2.expert_count 256\n"
             "deepseek2.expert_used_count 8\ndeepseek2.expert_shared_count 1\n"
             "deepseek2.expert_feed_forward_length 2048\ndeepseek2.leading_dense_block_count 3\n"
             "deepseek2.vocab_size 129280\ndeepseek2.context_length 163840\n",
     .n_global = 61,
     .kv_elements = (uint64_t)1098 * 1024 * 1024 / 16384 / 2},
    {.name = "DeepSeek-V3, GGUF of before the latent keys",
     .source = "128 heads of 192 + 128 elements: 4.88 MB a token in f16 (ggml-org/llama.cpp#12801)",
     .text = "general.architecture deepseek2\ndeepseek2.block_count 61\ndeepseek2.embedding_length 7168\n"
             "deepseek2.feed_forward_length 18432\ndeepseek2.attention.head_count 128\n"
             "deepseek2.attention.head_count_kv 128\ndeepseek2.attention.key_length 192\n"
             "deepseek2.attention.value_length 128\ndeepseek2.attention.kv_lora_rank 512\n"
             "deepseek2.attention.q_lora_rank 1536\ndeepseek2.rope.dimension_count 64\ndeepseek2.expert_count 256\n"
             "deepseek2.expert_used_count 8\ndeepseek2.expert_shared_count 1\n"
             "deepseek2.expert_feed_forward_length 2048\ndeepseek2.leading_dense_block_count 3\n"
             "deepseek2.vocab_size 129280\ndeepseek2.context_length 163840\n",
     .n_global = 61,
     .kv_elements = 61 * 128 * (192 + 128)},
    {.name = "MiniCPM3-4B",
     .source = "openbmb/MiniCPM3-4B's config.json; keys and values of all heads are stored: llama.cpp, vLLM",
     .text =
         "{\"model_type\": \"minicpm3\", \"hidden_size\": 2560, \"num_hidden_layers\": 62, \"num_attention_heads\": 40,"
         "\"num_key_value_heads\": 40, \"kv_lora_rank\": 256, \"q_lora_rank\": 768, \"qk_nope_head_dim\": 64,"
         "\"qk_rope_head_dim\": 32, \"intermediate_size\": 6400, \"vocab_size\": 73448,"
         "\"max_position_embeddings\": 32768, \"tie_word_embeddings\": false}",
     .n_global = 62,
     .kv_elements = 62 * 40 * (96 + 64)},

    /* ---- Windows ---- */
    {.name = "Mistral-7B-v0.1",
     .source = "card; all layers have the window",
     .text =
         "{\"model_type\": \"mistral\", \"hidden_size\": 4096, \"num_hidden_layers\": 32, \"num_attention_heads\": 32,"
         "\"num_key_value_heads\": 8, \"intermediate_size\": 14336, \"vocab_size\": 32000, \"sliding_window\": 4096,"
         "\"max_position_embeddings\": 32768, \"tie_word_embeddings\": false}",
     .elements = 7241732096,
     .n_window = 32,
     .window = 4096,
     .window_elements = 32 * 8 * 256},
    {.name = "Phi-3-mini-4k",
     .source = "card; the declared window is not used (ggml-org/llama.cpp#13676)",
     .text =
         "{\"model_type\": \"phi3\", \"hidden_size\": 3072, \"num_hidden_layers\": 32, \"num_attention_heads\": 32,"
         "\"num_key_value_heads\": 32, \"intermediate_size\": 8192, \"vocab_size\": 32064, \"sliding_window\": 2047,"
         "\"max_position_embeddings\": 4096, \"tie_word_embeddings\": false}",
     .elements = 3821079552,
     .n_global = 32,
     .kv_elements = 32 * 32 * 192},
    {.name = "Gemma-2-9B",
     .source = "card; every second layer sees all tokens (Gemma 2 report, section 2)",
     .text =
         "{\"model_type\": \"gemma2\", \"hidden_size\": 3584, \"num_hidden_layers\": 42, \"num_attention_heads\": 16,"
         "\"num_key_value_heads\": 8, \"head_dim\": 256, \"intermediate_size\": 14336, \"vocab_size\": 256000,"
         "\"sliding_window\": 4096, \"max_position_embeddings\": 8192}",
     .elements = 9241705984,
     .n_global = 21,
     .n_window = 21,
     .kv_elements = 21 * 8 * 512,
     .window = 4096,
     .window_elements = 21 * 8 * 512},
    {.name = "Gemma-2-27B, GGUF without a window's key",
     .source = "llama.cpp: 4096 tokens in even layers",
     .text = "general.architecture gemma2\ngemma2.block_count 46\ngemma2.embedding_length 4608\n"
             "gemma2.feed_forward_length 36864\ngemma2.attention.head_count 32\ngemma2.attention.head_count_kv 16\n"
             "gemma2.attention.key_length 128\ngemma2.attention.value_length 128\ngemma2.vocab_size 256000\n"
             "gemma2.context_length 8192\n",
     .elements = 27227128320,
     .n_global = 23,
     .n_window = 23,
     .kv_elements = 23 * 16 * 256,
     .window = 4096,
     .window_elements = 23 * 16 * 256},
    {.name = "Gemma-3-1B",
     .source = "card; five layers with a window for one without (Gemma 3 report, section 2)",
     .text = "{\"model_type\": \"gemma3_text\", \"hidden_size\": 1152, \"num_hidden_layers\": 26,"
             "\"num_attention_heads\": 4, \"num_key_value_heads\": 1, \"head_dim\": 256, \"intermediate_size\": 6912,"
             "\"vocab_size\": 262144, \"sliding_window\": 512, \"sliding_window_pattern\": 6,"
             "\"max_position_embeddings\": 32768}",
     .elements = 999885952,
     .n_global = 4,
     .n_window = 22,
     .kv_elements = 4 * 512,
     .window = 512,
     .window_elements = 22 * 512},
    {.name = "Gemma-3-4B, with parts for pictures and with what its class has by default left out",
     .source = "google/gemma-3-4b-it's config.json; Gemma3TextConfig of transformers",
     .text = "{\"model_type\": \"gemma3\", \"mm_tokens_per_image\": 256, \"text_config\": {\"hidden_size\": 2560,"
             "\"intermediate_size\": 10240, \"model_type\": \"gemma3_text\", \"num_hidden_layers\": 34,"
             "\"rope_scaling\": {\"factor\": 8.0, \"rope_type\": \"linear\"}, \"sliding_window\": 1024},"
             "\"torch_dtype\": \"bfloat16\", \"vision_config\": {\"hidden_size\": 1152, \"intermediate_size\": 4304,"
             "\"num_attention_heads\": 16, \"num_hidden_layers\": 27, \"model_type\": \"siglip_vision_model\"}}",
     .n_global = 5,
     .n_window = 29,
     .kv_elements = 5 * 4 * 512,
     .window = 1024,
     .window_elements = 29 * 4 * 512},
    {.name = "Gemma-3-27B, GGUF",
     .source = "google/gemma-3-27b-it's config.json; llama.cpp: one layer in 6 is global",
     .text = "general.architecture gemma3\ngemma3.block_count 62\ngemma3.embedding_length 5376\n"
             "gemma3.feed_forward_length 21504\ngemma3.attention.head_count 32\ngemma3.attention.head_count_kv 16\n"
             "gemma3.attention.key_length 128\ngemma3.attention.value_length 128\n"
             "gemma3.attention.sliding_window 1024\ngemma3.vocab_size 262208\ngemma3.context_length 131072\n",
     .n_global = 10,
     .n_window = 52,
     .kv_elements = 10 * 16 * 256,
     .window = 1024,
     .window_elements = 52 * 16 * 256},
    {.name = "Command R7B",
     .source = "CohereLabs/c4ai-command-r7b-12-2024's config.json: three layers with a window for one without",
     .text =
         "{\"model_type\": \"cohere2\", \"hidden_size\": 4096, \"num_hidden_layers\": 32, \"num_attention_heads\": 32,"
         "\"num_key_value_heads\": 8, \"head_dim\": 128, \"intermediate_size\": 14336, \"vocab_size\": 256000,"
         "\"sliding_window\": 4096, \"sliding_window_pattern\": 4, \"max_position_embeddings\": 132096}",
     .n_global = 8,
     .n_window = 24,
     .kv_elements = 8 * 8 * 256,
     .window = 4096,
     .window_elements = 24 * 8 * 256},
    {.name = "Llama-4-Scout, GGUF",
     .source = "llama.cpp: chunks of 8192 tokens in three layers of four",
     .text = "general.architecture llama4\nllama4.block_count 48\nllama4.embedding_length 5120\n"
             "llama4.feed_forward_length 16384\nllama4.expert_feed_forward_length 8192\n"
             "llama4.attention.head_count 40\nllama4.attention.head_count_kv 8\nllama4.attention.key_length 128\n"
             "llama4.attention.value_length 128\nllama4.expert_count 16\nllama4.expert_used_count 1\n"
             "llama4.interleave_moe_layer_step 1\nllama4.vocab_size 202048\nllama4.context_length 10485760\n",
     .n_global = 12,
     .n_window = 36,
     .kv_elements = 12 * 8 * 256,
     .window = 8192,
     .window_elements = 36 * 8 * 256},
    {.name = "SmallThinker-21B, GGUF",
     .source = "llama.cpp: the first layer of four is global",
     .text = "general.architecture smallthinker\nsmallthinker.block_count 52\nsmallthinker.embedding_length 2560\n"
             "smallthinker.feed_forward_length 768\nsmallthinker.expert_feed_forward_length 768\n"
             "smallthinker.attention.head_count 28\nsmallthinker.attention.head_count_kv 4\n"
             "smallthinker.attention.key_length 128\nsmallthinker.attention.value_length 128\n"
             "smallthinker.attention.sliding_window 4096\nsmallthinker.expert_count 64\n"
             "smallthinker.expert_used_count 6\nsmallthinker.vocab_size 151936\nsmallthinker.context_length 16384\n",
     .n_global = 13,
     .n_window = 39,
     .kv_elements = 13 * 4 * 256,
     .window = 4096,
     .window_elements = 39 * 4 * 256},
    {.name = "EXAONE-4.0-32B",
     .source = "LGAI-EXAONE/EXAONE-4.0-32B's config.json: \"LLLG\"",
     .text =
         "{\"model_type\": \"exaone4\", \"hidden_size\": 5120, \"num_hidden_layers\": 64, \"num_attention_heads\": 40,"
         "\"num_key_value_heads\": 8, \"head_dim\": 128, \"intermediate_size\": 27392, \"vocab_size\": 102400,"
         "\"sliding_window\": 4096, \"sliding_window_pattern\": \"LLLG\", \"max_position_embeddings\": 131072,"
         "\"tie_word_embeddings\": false}",
     .n_global = 16,
     .n_window = 48,
     .kv_elements = 16 * 8 * 256,
     .window = 4096,
     .window_elements = 48 * 8 * 256},
    {.name = "EXAONE-4.0-1.2B, GGUF with a window's key",
     .source = "llama.cpp: only the model of 64 layers has windows",
     .text = "general.architecture exaone4\nexaone4.block_count 30\nexaone4.embedding_length 2048\n"
             "exaone4.feed_forward_length 4096\nexaone4.attention.head_count 32\nexaone4.attention.head_count_kv 8\n"
             "exaone4.attention.key_length 64\nexaone4.attention.value_length 64\n"
             "exaone4.attention.sliding_window 4096\nexaone4.vocab_size 102400\nexaone4.context_length 65536\n",
     .n_global = 30,
     .kv_elements = 30 * 8 * 128},
    {.name = "Olmo-3-7B",
     .source = "allenai/Olmo-3-1025-7B's config.json: layer_types",
     .text =
         "{\"model_type\": \"olmo3\", \"hidden_size\": 4096, \"num_hidden_layers\": 8, \"num_attention_heads\": 32,"
         "\"num_key_value_heads\": 32, \"intermediate_size\": 11008, \"vocab_size\": 100278, \"sliding_window\": 4096,"
         "\"layer_types\": [\"sliding_attention\", \"sliding_attention\", \"sliding_attention\", \"full_attention\","
         "\"sliding_attention\", \"sliding_attention\", \"sliding_attention\", \"full_attention\"],"
         "\"max_position_embeddings\": 65536, \"tie_word_embeddings\": false}",
     .n_global = 2,
     .n_window = 6,
     .kv_elements = 2 * 32 * 256,
     .window = 4096,
     .window_elements = 6 * 32 * 256},

    /* ---- Layers that use the keys of earlier ones ---- */
    {.name = "Gemma-3n-E2B, GGUF",
     .source = "llama.cpp: one layer in 5 is global, and only the first 20 of 30 have keys",
     .text = "general.architecture gemma3n\ngemma3n.block_count 30\ngemma3n.embedding_length 2048\n"
             "gemma3n.feed_forward_length 8192\ngemma3n.attention.head_count 8\ngemma3n.attention.head_count_kv 2\n"
             "gemma3n.attention.key_length 256\ngemma3n.attention.value_length 256\n"
             "gemma3n.attention.sliding_window 512\ngemma3n.vocab_size 262144\ngemma3n.context_length 32768\n",
     .n_global = 6,
     .n_window = 24,
     .kv_elements = 4 * 2 * 512,
     .window = 512,
     .window_elements = 16 * 2 * 512},
    {.name = "Gemma-3n-E4B",
     .source = "google/gemma-3n-E4B's config.json: 15 of 35 layers share keys, a list of intermediate sizes",
     .text =
         "{\"model_type\": \"gemma3n\", \"text_config\": {\"model_type\": \"gemma3n_text\", \"hidden_size\": 2048,"
         "\"num_hidden_layers\": 35, \"num_attention_heads\": 8, \"num_key_value_heads\": 2, \"head_dim\": 256,"
         "\"intermediate_size\": [16384, 16384, 16384, 16384, 16384, 16384, 16384, 16384, 16384, 16384, 16384, 16384,"
         "16384, 16384, 16384, 16384, 16384, 16384, 16384, 16384, 16384, 16384, 16384, 16384, 16384, 16384, 16384,"
         "16384, 16384, 16384, 16384, 16384, 16384, 16384, 16384], \"num_kv_shared_layers\": 15,"
         "\"sliding_window\": 512, \"vocab_size\": 262400, \"max_position_embeddings\": 32768}}",
     .n_global = 7,
     .n_window = 28,
     .kv_elements = 4 * 2 * 512,
     .window = 512,
     .window_elements = 16 * 2 * 512},
    {.name = "Gemma 4 in small, GGUF",
     .source = "llama.cpp, gemma4: other head sizes in layers with a window, trailing layers that share keys",
     .text = "general.architecture gemma4\ngemma4.block_count 6\ngemma4.embedding_length 1536\n"
             "gemma4.feed_forward_length [6144,6144,6144,6144,12288,12288]\ngemma4.attention.head_count 8\n"
             "gemma4.attention.head_count_kv [2,2,1,2,2,1]\ngemma4.attention.key_length 512\n"
             "gemma4.attention.value_length 512\ngemma4.attention.key_length_swa 256\n"
             "gemma4.attention.value_length_swa 256\ngemma4.attention.sliding_window 512\n"
             "gemma4.attention.sliding_window_pattern [true,true,false,true,true,false]\n"
             "gemma4.attention.shared_kv_layers 2\ngemma4.vocab_size 262144\ngemma4.context_length 131072\n",
     .n_global = 2,
     .n_window = 4,
     .kv_elements = 1 * 1024,
     .window = 512,
     .window_elements = 3 * 2 * 512},

    /* ---- Numbers by layer ---- */
    {.name = "Nemotron-51B in small, GGUF",
     .source = "llama.cpp, deci: layers without attention have no heads",
     .text = "general.architecture deci\ndeci.block_count 4\ndeci.embedding_length 8192\n"
             "deci.feed_forward_length [28672,0,14336,28672]\ndeci.attention.head_count [64,0,64,64]\n"
             "deci.attention.head_count_kv [8,0,0,4]\ndeci.attention.key_length 128\ndeci.attention.value_length 128\n"
             "deci.vocab_size 128256\ndeci.context_length 131072\n",
     .n_global = 2,
     .n_none = 2,
     .kv_elements = (8 + 4) * 256},
    {.name = "OpenELM in small",
     .source = "apple/OpenELM-270M's config.json, the first four layers: lists of heads",
     .text = "{\"model_type\": \"openelm\", \"model_dim\": 1280, \"num_transformer_layers\": 4, \"head_dim\": 64,"
             "\"num_query_heads\": [12, 12, 12, 12], \"num_kv_heads\": [3, 3, 3, 4], \"ffn_dim\": 768,"
             "\"max_context_length\": 2048, \"vocab_size\": 32000}",
     .n_global = 4,
     .kv_elements = (3 + 3 + 3 + 4) * 128},

    /* ---- Recurrent mixers ---- */
    {.name = "Mamba-130M",
     .source = "card",
     .text = "{\"model_type\": \"mamba\", \"hidden_size\": 768, \"num_hidden_layers\": 24, \"state_size\": 16,"
             "\"conv_kernel\": 4, \"expand\": 2, \"intermediate_size\": 1536, \"time_step_rank\": 48,"
             "\"vocab_size\": 50280}",
     .elements = 129135360,
     .n_recurrent = 24,
     .state_elements = 24 * (3 * 1536 + 16 * 1536)},
    {.name = "Mamba-2.8B, GGUF",
     .source = "llama.cpp's log: 3.75 MiB of convolutions, 20 MiB of state",
     .text = "general.architecture mamba\nmamba.block_count 64\nmamba.embedding_length 2560\n"
             "mamba.feed_forward_length 0\nmamba.attention.head_count 0\nmamba.ssm.conv_kernel 4\n"
             "mamba.ssm.inner_size 5120\nmamba.ssm.state_size 16\nmamba.ssm.time_step_rank 160\n"
             "mamba.vocab_size 50280\nmamba.context_length 1048576\n",
     .n_recurrent = 64,
     .state_elements = (375 + 2000) * 1024 * 1024ull / 100 / 4},
    {.name = "Mamba2-130M",
     .source = "card",
     .text = "{\"model_type\": \"mamba2\", \"hidden_size\": 768, \"num_hidden_layers\": 24, \"state_size\": 128,"
             "\"conv_kernel\": 4, \"expand\": 2, \"n_groups\": 1, \"num_heads\": 24, \"head_dim\": 64,"
             "\"vocab_size\": 50288, \"tie_word_embeddings\": true}",
     .elements = 128989632,
     .n_recurrent = 24,
     .state_elements = 24 * (3 * (1536 + 2 * 128) + 128 * 1536)},
    {.name = "Jamba-v0.1",
     .source = "card; one layer in eight attends, every second has experts (Jamba, section 3.1)",
     .text =
         "{\"model_type\": \"jamba\", \"hidden_size\": 4096, \"num_hidden_layers\": 32, \"num_attention_heads\": 32,"
         "\"num_key_value_heads\": 8, \"intermediate_size\": 14336, \"vocab_size\": 65536, \"num_experts\": 16,"
         "\"num_experts_per_tok\": 2, \"expert_layer_period\": 2, \"expert_layer_offset\": 1,"
         "\"attn_layer_period\": 8, \"attn_layer_offset\": 4, \"mamba_d_conv\": 4, \"mamba_d_state\": 16,"
         "\"mamba_dt_rank\": 256, \"mamba_expand\": 2, \"max_position_embeddings\": 262144,"
         "\"tie_word_embeddings\": false}",
     .elements = 51570323328,
     .n_global = 4,
     .n_recurrent = 28,
     .kv_elements = 4 * 8 * 256,
     .state_elements = 28 * (3 * 8192 + 16 * 8192)},
    {.name = "Granite-4.0-H in small, GGUF",
     .source = "llama.cpp, granitehybrid: layers without key heads are recurrent",
     .text = "general.architecture granitehybrid\ngranitehybrid.block_count 4\ngranitehybrid.embedding_length 1536\n"
             "granitehybrid.feed_forward_length 512\ngranitehybrid.attention.head_count 12\n"
             "granitehybrid.attention.head_count_kv [0,0,4,0]\ngranitehybrid.ssm.conv_kernel 4\n"
             "granitehybrid.ssm.inner_size 3072\ngranitehybrid.ssm.state_size 128\ngranitehybrid.ssm.group_count 1\n"
             "granitehybrid.ssm.time_step_rank 48\ngranitehybrid.vocab_size 100352\n"
             "granitehybrid.context_length 131072\n",
     .n_global = 1,
     .n_recurrent = 3,
     .kv_elements = 4 * 256,
     .state_elements = 3 * (3 * (3072 + 256) + 128 * 3072)},
    {.name = "Granite-4.0-H in small",
     .source = "ibm-granite/granite-4.0-h-tiny's config.json: layer_types",
     .text = "{\"model_type\": \"granitemoehybrid\", \"hidden_size\": 1536, \"num_hidden_layers\": 4,"
             "\"num_attention_heads\": 12, \"num_key_value_heads\": 4, \"intermediate_size\": 512,"
             "\"shared_intermediate_size\": 1024, \"num_local_experts\": 64, \"num_experts_per_tok\": 6,"
             "\"layer_types\": [\"mamba\", \"mamba\", \"attention\", \"mamba\"], \"mamba_d_conv\": 4,"
             "\"mamba_d_head\": 64, \"mamba_d_state\": 128, \"mamba_expand\": 2, \"mamba_n_groups\": 1,"
             "\"mamba_n_heads\": 48, \"vocab_size\": 100352, \"max_position_embeddings\": 131072,"
             "\"tie_word_embeddings\": true}",
     .n_global = 1,
     .n_recurrent = 3,
     .kv_elements = 4 * 256,
     .state_elements = 3 * (3 * (3072 + 256) + 128 * 3072)},
    {.name = "Falcon-H1-0.5B, GGUF",
     .source = "llama.cpp, falcon-h1: all layers have both",
     .text = "general.architecture falcon-h1\nfalcon-h1.block_count 36\nfalcon-h1.embedding_length 1024\n"
             "falcon-h1.feed_forward_length 2048\nfalcon-h1.attention.head_count 8\n"
             "falcon-h1.attention.head_count_kv 2\nfalcon-h1.attention.key_length 64\n"
             "falcon-h1.attention.value_length 64\nfalcon-h1.ssm.conv_kernel 4\nfalcon-h1.ssm.inner_size 1536\n"
             "falcon-h1.ssm.state_size 128\nfalcon-h1.ssm.group_count 1\nfalcon-h1.ssm.time_step_rank 24\n"
             "falcon-h1.vocab_size 32784\nfalcon-h1.context_length 16384\n",
     .n_global = 36,
     .n_recurrent = 36,
     .kv_elements = 36 * 2 * 128,
     .state_elements = 36 * (3 * (1536 + 256) + 128 * 1536)},
    {.name = "Nemotron-H in small",
     .source = "nvidia/Nemotron-H-8B-Base-8K's config.json: a letter a layer",
     .text = "{\"model_type\": \"nemotron_h\", \"hidden_size\": 4096, \"num_hidden_layers\": 6,"
             "\"num_attention_heads\": 32, \"num_key_value_heads\": 8, \"head_dim\": 128, \"intermediate_size\": 21504,"
             "\"hybrid_override_pattern\": \"M-M-*-\", \"conv_kernel\": 4, \"ssm_state_size\": 128, \"n_groups\": 8,"
             "\"mamba_num_heads\": 128, \"mamba_head_dim\": 64, \"vocab_size\": 131072,"
             "\"max_position_embeddings\": 8192, \"tie_word_embeddings\": false}",
     .n_global = 1,
     .n_recurrent = 2,
     .n_none = 3,
     .kv_elements = 8 * 256,
     .state_elements = 2 * (3 * (8192 + 2 * 8 * 128) + 128 * 8192)},
    {.name = "Nemotron-H in small, GGUF",
     .source = "llama.cpp, nemotron_h: layers with neither key heads nor a feed-forward part are recurrent",
     .text = "general.architecture nemotron_h\nnemotron_h.block_count 6\nnemotron_h.embedding_length 4096\n"
             "nemotron_h.feed_forward_length [0,21504,0,21504,0,21504]\n"
             "nemotron_h.attention.head_count [0,0,0,0,32,0]\nnemotron_h.attention.head_count_kv [0,0,0,0,8,0]\n"
             "nemotron_h.attention.key_length 128\nnemotron_h.attention.value_length 128\n"
             "nemotron_h.ssm.conv_kernel 4\nnemotron_h.ssm.inner_size 8192\nnemotron_h.ssm.state_size 128\n"
             "nemotron_h.ssm.group_count 8\nnemotron_h.ssm.time_step_rank 128\nnemotron_h.vocab_size 131072\n"
             "nemotron_h.context_length 8192\n",
     .n_global = 1,
     .n_recurrent = 2,
     .n_none = 3,
     .kv_elements = 8 * 256,
     .state_elements = 2 * (3 * (8192 + 2 * 8 * 128) + 128 * 8192)},
    {.name = "Qwen3-Next-80B-A3B, GGUF",
     .source = "llama.cpp's log: 3.375 MiB of convolutions, 72 MiB of state",
     .text = "general.architecture qwen3next\nqwen3next.block_count 48\nqwen3next.embedding_length 2048\n"
             "qwen3next.feed_forward_length 5120\nqwen3next.expert_feed_forward_length 512\n"
             "qwen3next.expert_shared_feed_forward_length 512\nqwen3next.expert_count 512\n"
             "qwen3next.expert_used_count 10\nqwen3next.attention.head_count 16\nqwen3next.attention.head_count_kv 2\n"
             "qwen3next.attention.key_length 256\nqwen3next.attention.value_length 256\n"
             "qwen3next.rope.dimension_count 64\nqwen3next.ssm.conv_kernel 4\nqwen3next.ssm.inner_size 4096\n"
             "qwen3next.ssm.state_size 128\nqwen3next.ssm.group_count 16\nqwen3next.ssm.time_step_rank 32\n"
             "qwen3next.vocab_size 151936\nqwen3next.context_length 262144\n",
     .n_global = 12,
     .n_recurrent = 36,
     .kv_elements = 12 * 2 * 512,
     .state_elements = (3375 + 72000) * 1024 * 1024ull / 1000 / 4},
    {.name = "Qwen3-Next-80B-A3B, with its further layer",
     .source = "card, which counts the further layer",
     .text = "{\"model_type\": \"qwen3_next\", \"hidden_size\": 2048, \"num_hidden_layers\": 48,"
             "\"mtp_num_hidden_layers\": 1, \"num_attention_heads\": 16, \"num_key_value_heads\": 2, \"head_dim\": 256,"
             "\"intermediate_size\": 5120, \"moe_intermediate_size\": 512, \"shared_expert_intermediate_size\": 512,"
             "\"num_experts\": 512, \"num_experts_per_tok\": 10, \"decoder_sparse_step\": 1, \"mlp_only_layers\": [],"
             "\"full_attention_interval\": 4, \"linear_conv_kernel_dim\": 4, \"linear_key_head_dim\": 128,"
             "\"linear_num_key_heads\": 16, \"linear_num_value_heads\": 32, \"linear_value_head_dim\": 128,"
             "\"vocab_size\": 151936, \"max_position_embeddings\": 262144, \"tie_word_embeddings\": false}",
     .elements = 81324862720,
     .n_global = 12,
     .n_recurrent = 36,
     .kv_elements = 12 * 2 * 512,
     .state_elements = (3375 + 72000) * 1024 * 1024ull / 1000 / 4},
    {.name = "Qwen3.5-27B, GGUF with a further layer",
     .source = "llama.cpp, qwen35: the further layer attends",
     .text = "general.architecture qwen35\nqwen35.block_count 65\nqwen35.embedding_length 5120\n"
             "qwen35.feed_forward_length 17408\nqwen35.nextn_predict_layers 1\nqwen35.attention.head_count 24\n"
             "qwen35.attention.head_count_kv 4\nqwen35.attention.key_length 256\nqwen35.attention.value_length 256\n"
             "qwen35.full_attention_interval 4\nqwen35.rope.dimension_count 64\nqwen35.ssm.conv_kernel 4\n"
             "qwen35.ssm.inner_size 6144\nqwen35.ssm.state_size 128\nqwen35.ssm.group_count 16\n"
             "qwen35.ssm.time_step_rank 48\nqwen35.vocab_size 248320\nqwen35.context_length 262144\n",
     .n_global = 16,
     .n_recurrent = 48,
     .kv_elements = 16 * 4 * 512,
     .state_elements = 48 * (3 * (6144 + 2 * 16 * 128) + 128 * 6144)},
    {.name = "Kimi-Linear-48B-A3B in small, GGUF",
     .source = "llama.cpp, kimi-linear: three convolutions of all heads and a square a head; the others are latent",
     .text = "general.architecture kimi-linear\nkimi-linear.block_count 4\nkimi-linear.embedding_length 2304\n"
             "kimi-linear.feed_forward_length 9216\nkimi-linear.expert_feed_forward_length 1024\n"
             "kimi-linear.expert_count 256\nkimi-linear.expert_used_count 8\nkimi-linear.expert_shared_count 1\n"
             "kimi-linear.leading_dense_block_count 1\nkimi-linear.attention.head_count 32\n"
             "kimi-linear.attention.head_count_kv [0,0,0,1]\nkimi-linear.attention.key_length 576\n"
             "kimi-linear.attention.value_length 512\nkimi-linear.attention.key_length_mla 192\n"
             "kimi-linear.attention.value_length_mla 128\nkimi-linear.attention.kv_lora_rank 512\n"
             "kimi-linear.rope.dimension_count 64\nkimi-linear.ssm.conv_kernel 4\nkimi-linear.kda.head_dim 128\n"
             "kimi-linear.vocab_size 163840\nkimi-linear.context_length 1048576\n",
     .n_global = 1,
     .n_recurrent = 3,
     .kv_elements = 576,
     .state_elements = 3 * (3 * 3 * 32 * 128 + 128 * 128 * 32)},
    {.name = "LFM2-1.2B",
     .source = "card; the paper's layout of 10 convolutions and 6 layers that attend",
     .text = "{\"model_type\": \"lfm2\", \"hidden_size\": 2048, \"num_hidden_layers\": 16, \"num_attention_heads\": 32,"
             "\"num_key_value_heads\": 8, \"block_auto_adjust_ff_dim\": true, \"block_ff_dim\": 12288,"
             "\"block_multiple_of\": 256, \"conv_L_cache\": 3, \"conv_bias\": false,"
             "\"full_attn_idxs\": [2, 5, 8, 10, 12, 14], \"vocab_size\": 65536, \"max_position_embeddings\": 128000}",
     .elements = 1170340608,
     .n_global = 6,
     .n_recurrent = 10,
     .kv_elements = 6 * 8 * 128,
     .state_elements = 10 * 2 * 2048},
    {.name = "PLaMo-2-1B in small, GGUF",
     .source = "llama.cpp, plamo2: layers without key heads are recurrent",
     .text = "general.architecture plamo2\nplamo2.block_count 4\nplamo2.embedding_length 2048\n"
             "plamo2.feed_forward_length 8192\nplamo2.attention.head_count [0,16,0,16]\n"
             "plamo2.attention.head_count_kv [0,1,0,1]\nplamo2.attention.key_length 128\n"
             "plamo2.attention.value_length 128\nplamo2.ssm.conv_kernel 4\nplamo2.ssm.inner_size 4096\n"
             "plamo2.ssm.state_size 64\nplamo2.ssm.group_count 0\nplamo2.ssm.time_step_rank 32\n"
             "plamo2.vocab_size 100000\nplamo2.context_length 10485760\n",
     .n_global = 2,
     .n_recurrent = 2,
     .kv_elements = 2 * 256,
     .state_elements = 2 * (3 * 4096 + 64 * 4096)},
    {.name = "RWKV-6-World-1.6B, GGUF",
     .source = "llama.cpp: n_embd_r and n_embd_s of RWKV",
     .text = "general.architecture rwkv6\nrwkv6.block_count 24\nrwkv6.embedding_length 2048\n"
             "rwkv6.feed_forward_length 7168\nrwkv6.attention.head_count 0\nrwkv6.wkv.head_size 64\n"
             "rwkv6.vocab_size 65536\nrwkv6.context_length 1048576\n",
     .n_recurrent = 24,
     .state_elements = 24 * (2 * 2048 + 64 * 2048)},

    /* ---- Encoders ---- */
    {.name = "BGE-base, GGUF",
     .source = "llama.cpp: attention.causal is false",
     .text =
         "general.architecture bert\nbert.block_count 12\nbert.embedding_length 768\nbert.feed_forward_length 3072\n"
         "bert.attention.head_count 12\nbert.attention.causal false\nbert.pooling_type 2\nbert.vocab_size 30522\n"
         "bert.context_length 512\n",
     .n_none = 12},
    {.name = "ModernBERT-base",
     .source = "answerdotai/ModernBERT-base's config.json",
     .text = "{\"model_type\": \"modernbert\", \"hidden_size\": 768, \"num_hidden_layers\": 22,"
             "\"num_attention_heads\": 12, \"intermediate_size\": 1152, \"local_attention\": 128,"
             "\"global_attn_every_n_layers\": 3, \"vocab_size\": 50368, \"max_position_embeddings\": 8192}",
     .n_none = 22},
};
const size_t n_model_cards = sizeof model_cards / sizeof *model_cards;

/* ---- GGUF from lines ---- */

static void put_element(struct gguf *g, const char **at) {
  if (**at == 't' || **at == 'f') {
    gguf_number(g, **at == 't', 1);
    *at += strcspn(*at, ",]");
  } else {
    char *end;
    gguf_u32(g, (uint32_t)strtoul(*at, &end, 10));
    *at = end;
  }
}

static void put_array(struct gguf *g, const char *key, const char *value) {
  uint64_t count = 1;
  for (const char *c = value; *c != ']'; c++) count += *c == ',';
  const char *at = value + 1;
  gguf_array(g, key, *at == 't' || *at == 'f' ? INFERMEM_META_BOOL : INFERMEM_META_U32, count);
  for (; *at != ']'; at += *at == ',') put_element(g, &at);
}

static void put_value(struct gguf *g, const char *key, const char *value) {
  char *end;
  const unsigned long number = strtoul(value, &end, 10);
  if (*value == '[') {
    put_array(g, key, value);
  } else if (!strcmp(value, "true") || !strcmp(value, "false")) {
    gguf_key(g, key, INFERMEM_META_BOOL);
    gguf_number(g, *value == 't', 1);
  } else if (end != value && *end == '\0') {
    gguf_meta_u32(g, key, (uint32_t)number);
  } else {
    gguf_meta_string(g, key, value);
  }
}

struct gguf model_card_metas(const struct model_card *card) {
  struct gguf g = {0};
  for (const char *line = card->text; *line;) {
    char key[96], value[96];
    const size_t n = strcspn(line, " "), m = strcspn(line + n + 1, "\n");
    assert_true(n < sizeof key && m < sizeof value);
    memcpy(key, line, n);
    memcpy(value, line + n + 1, m);
    key[n] = value[m] = '\0';
    put_value(&g, key, value);
    line += n + m + 2;
  }
  return g;
}

void model_card_save(const struct model_card *card) {
  struct gguf g = {0};
  if (*card->text == '{') {
    gguf_bytes(&g, card->text, strlen(card->text));
  } else {
    struct gguf metas = model_card_metas(card);
    uint64_t lines = 0;
    for (const char *c = card->text; *c; c++) lines += *c == '\n';
    gguf_header(&g, 3, 0, lines);
    gguf_bytes(&g, metas.bytes, metas.size);
    gguf_free(&metas);
  }
  gguf_save(&g);
  gguf_free(&g);
}
