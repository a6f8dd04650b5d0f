# Completion of the infermem command for bash.
_infermem() {
  local word=$2 previous=$3 command=${COMP_WORDS[1]}
  local common="--json --help --color"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "plan inspect probe quantize verify bench --help --version" -- "$word"))
    return
  fi
  case $previous in
    --color) COMPREPLY=($(compgen -W "auto always never" -- "$word")); return ;;
    -d | --device) COMPREPLY=($(compgen -W "auto none" -- "$word")); return ;;
    --kv-type | --k-type | --v-type) COMPREPLY=($(compgen -W "f32 f16 bf16 q8_0 q4_0 q4_1" -- "$word")); return ;;
    -p | --profile) COMPREPLY=($(compgen -W "plain cells blocks" -- "$word")); return ;;
    --allow) COMPREPLY=($(compgen -W "none kv experts some all host" -- "$word")); return ;;
    --bits) COMPREPLY=($(compgen -W "4 8" -- "$word")); return ;;
    --params) COMPREPLY=($(compgen -W "f16 bf16 f32" -- "$word")); return ;;
    -o | --output) COMPREPLY=($(compgen -d -- "$word")); return ;;
  esac
  case $command in
    plan)
      common+=" --device --host --ctx --min-ctx --sequences --ubatch --kv-type --k-type --v-type --profile --allow"
      common+=" --slots --no-flash-attention --margin --no-margin --link"
      ;;
    inspect) common+=" --tensors --metadata --layers" ;;
    quantize) common+=" --output --bits --group --params --symmetric --packed" ;;
    bench) common+=" --seconds" ;;
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$common" -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -o filenames -F _infermem infermem
