"""Constructor arguments where no call site tells them: from how a parameter is used, its name and its annotation.

All guesses are source, so that what was built can be said and built again. They fit together: channels are 16 but for
images' 3, features 32 or 64, heads divide them.
"""

from __future__ import annotations

import ast
import enum
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from batchlint.verify.plan.syntax import FunctionNode, dotted

_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"(img|image|input|in|frame|x|obs|state|data)_?(shape|dims)|input_?size_?hw", ("(3, 32, 32)", "32")),
    (r"(img|image|im|crop|frame)_?(size|sz|res|dim|height|width|h|w)|resolution|(input_)?(height|width)|h|w", ("32",)),
    (r"patch_?(size|sz|height|width)|window_?size|win_size", ("4",)),
    (r"(num_|n_)?frames|frame_patch_size|num_segments|(num_)?(time|t)_?steps?|clip_len", ("4",)),
    (r"in_?(ch|chs|channels?|planes|c|nc|filters)|(num_|n_)?(input|img|image|color)_?(channels?|nc|ch|c)|nc|channels|c_?in|"
     r"ch_?in|n_?channels|input_nc|inchannels?|inplanes|img_dim_c", ("3", "16")),
    (r"(out|output|mid|hidden|inter|base|bottleneck|growth|squeeze|expand|bn)_?(ch|chs|channels?|planes|c|nc|filters|width|"
     r"rate)|planes|c_?out|ch_?out|output_nc|filters|n_?filters|num_filters|nf|ngf|ndf|nef|growth|n_feat|width|chan|ch|"
     r"in_?planes|conv_dim|outplanes|num_init_features", ("16", "32")),
    (r"(num_?|n_?)(classes|class|labels?|outputs?|categories|cls|out|actions?|targets?)|class_?num|classes|nclass(es)?|"
     r"n_?classes|nb_classes|code_dim|label_dim|output_classes", ("10",)),
    (r"(latent|z|noise|nz|code|style)_?(dim|size|features|channels)?|nz|z", ("16",)),
    (r"(num_?|n_?|nb_?)?(heads?|nhead|attention_heads|num_attention_heads|head_num|h)", ("4",)),
    (r"(dim_?head|head_?dim|d_?k|d_?v|d_?q|depth_?head|key_dim|dim_key|dim_value)", ("16",)),
    (r"(num_?|n_?|nb_?)?(layers?|blocks?|nlayers?|depth|stages?|repeats?|stacks?|levels?|units|res_?blocks?|"
     r"residual_blocks?|hidden_layers|num_res_blocks|N|L|k|steps|iters?|iterations|experts|cells|downsampl\w*|upsampl\w*)",
     ("2",)),
    (r"(d_?ff|mlp_?dim|ff_?dim|ffn?_?(dim|hidden)?|feedforward_?dim|d_?inner|hidden_?features|dim_?feedforward|"
     r"intermediate_?size|inner_dim|d_hid|nhid)", ("64",)),
    (r"(vocab|vocabulary|voc|dict|dictionary|token|word|n_?tokens?|ntoken|src_vocab|tgt_vocab|trg_vocab|num_tokens|num_words|"
     r"num_embeddings?|n_?vocab|n_?words|char)_?(size|len|length|num|dim)?|(num_|n_)?(users?|items?|entities|nodes)(_num)?|"
     r"(source|target)_vocab(_size)?", ("100",)),
    (r"(max_?)?(seq|sequence|sent|sentence|block|context|src|tgt|trg|position|text|history|pred|label|input|time)_?"
     r"(len|length|size|num|positions)?|max_?len(gth)?|T|bptt|num_patches|num_positions|max_position_embeddings|"
     r"num_latents|seq_?len", ("16",)),
    (r"kernel_?(size|sz)?|ks|k_?size|kern|filter_size|ker", ("3",)),
    (r"\w+_ratio", ("1", "0.5")),
    (r"stride|strides|dilation|dilations|dilate|groups?|cardinality|factor|scale|scale_factor|expansion|expand_?ratio|"
     r"reduction|ratio|multiplier|width_mult\w*|pool_?size|num_directions|mult|alpha|n_?gpu|ngpu", ("1", "2")),
    (r"(pad|padding|output_padding|pad_idx|pad_?id|padding_idx|bos|eos|\w+_idx|pad_token(_id)?|sos_id|eos_id|gpu_?ids?|rank)",
     ("0", "1")),
    (r"(dropout|drop|p|dp|pdrop|dp_?(ratio|rate|prob)|drop_?(out|path|rate|prob|p)|\w*_?(dropout|drop|dropout_rate|drop_rate|dropout_p|p_?drop|dropout_ratio|drop_ratio)|dropout_?\w*|"
     r"rate|prob|keep_prob|dropRate)", ("0.1",)),
    (r"(momentum|eps|epsilon|slope|negative_slope|sigma|std|tau|temperature|gamma|beta|lr|learning_rate|weight_decay|init_\w+|"
     r"theta|lambda_?\w*|lamb|margin|bn_mom\w*)", ("0.1",)),
    (r"(bias|residual|bidirectional|batch_?first|\w*normaliz\w*|affine|downsample|upsample|use_\w+|with_\w+|is_\w+|has_\w+|"
     r"learn\w*|trainable|cuda|gpu|pretrained|train|training|inplace|verbose|debug|causal|bn|batch_?norm|shortcut|"
     r"bi|bi_?(rnn|lstm|gru|dir)|fix_\w+|bilinear|sn|spectral\w*|freeze\w*|tie\w*)", ("False", "None")),
    (r"(activation|act|act_?(func|fn|layer)|nonlinearity|non_linearity|nonlin|afunc|activation_fn|actv|act_?type)",
     ("torch.nn.ReLU()", "torch.nn.ReLU", "torch.nn.functional.relu", "'relu'")),
    (r"(norm|norm_?(layer|fn|func|type|class)|normalization|bn_layer)",
     ("torch.nn.BatchNorm2d", "torch.nn.LayerNorm", "'batch'", "torch.nn.Identity()")),
    (r"(conv|conv_?(layer|fn|op))", ("torch.nn.Conv2d",)),
    (r"(mode|type|pool(ing)?|block_type|method|reduction_type)", ("'max'", "'mean'", "1")),
    (r"(rnn_?(type|cell|unit)?|cell_type|model_type)", ("'LSTM'", "'GRU'")),
    (r"(model_?name|arch|backbone_name|net_type|encoder_name|base_?model|model)",
     ("'resnet18'", "torch.nn.Identity()")),
    (r"device", ("'cpu'", "torch.device('cpu')")),
    (r"dtype", ("torch.float32",)),
    (r"(pretrained_?\w*|weights?|embeddings?|embedding_matrix|weight_matrix|emb_?matrix|word_?vectors?|vectors|glove|"
     r"pretrained_?embedding\w*)", ("torch.randn(100, 32)", "None")),
    (r"(fn|func|function|net|network|module|layer|submodule|sublayer|encoder|decoder|backbone|transformer|generator|"
     r"discriminator|embedder|feature_?extractor|extractor|trunk|head|inner|net_?\w|critic|actor|features|"
     r"\w{3,}_(module|net|network|model|encoder|decoder|fn|layer|block|extractor|backbone)|\w+net)",
     ("torch.nn.Identity()", "torch.nn.Linear(32, 32)")),
    (r"(blocks|layers|num_blocks|n_blocks|nums?_?\w*list|layer_list|nblocks|block_config|num_layers_list|depths|"
     r"n_?units|repeats)", ("[2, 2, 2, 2]", "2")),
    (r"(channel_list|hidden_dims|dims|hidden_sizes|layer_sizes|hidden_units|widths|channels_list|sizes|features_list|"
     r"num_channels)", ("[16, 32, 64, 64]", "[16, 32]")),
    (r"(num_?|n_)?(embed|embedding|embd|emb|hidden|hid|model|feature|feat|input|output|in|out|d|dim|context|cond|encoder|decoder|enc|"
     r"dec|attn|attention|state|action|obs|proj\w*|rnn|lstm|gru|key|query|value|token|word|char|inp|n)?_?"
     r"(dim|dims|size|features?|units|d|channel|channels|model|nodes|n|embed|num|inputs?|hidden)?", ("32", "64", "16")),
)  # fmt: skip
_TABLE = tuple((re.compile(rf"^_*(?:{pattern})_*\d?$", re.IGNORECASE), values) for pattern, values in _NAMES)

_LISTS = ("[2, 2, 2, 2]", "[16, 32, 64, 64]", "(3, 32, 32)", "(16, 16)", "[]")


@dataclass(frozen=True, slots=True)
class Use:
    """How the source of a constructor uses one parameter.

    Attributes:
        kinds: any of ``number``, ``sequence``, ``call``, ``flag``, ``attributes``, ``module``, ``mapping``.
        strings: what it is compared with.
        attributes: the attributes read from it.
    """

    kinds: frozenset[str]
    strings: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


def use_of(function: FunctionNode, name: str) -> Use:
    """How *function* uses its parameter *name*, or ``self.name`` where that is what it binds it to."""
    kinds: set[str] = set()
    strings: list[str] = []
    attributes: list[str] = []
    parents = {child: node for node in ast.walk(function) for child in ast.iter_child_nodes(node)}
    bound = {("self", name)}
    for node in ast.walk(function):
        is_self = isinstance(node, ast.Attribute) and dotted(node) in bound and isinstance(node.ctx, ast.Load)
        if not (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)) and not is_self:
            continue
        parent = parents.get(node)
        if isinstance(parent, ast.Attribute):
            attributes.append(parent.attr)
            kinds.add("attributes")
        elif isinstance(parent, ast.Call) and parent.func is node:
            kinds.add("call")
        elif isinstance(parent, ast.Call):
            _by_call(parent, kinds)
        elif isinstance(parent, ast.Subscript) and parent.value is node:
            is_key = isinstance(parent.slice, ast.Constant) and isinstance(parent.slice.value, str)
            kinds.add("mapping" if is_key else "sequence")
            if is_key:
                attributes.append(ast.literal_eval(parent.slice))
        elif _goes_through(parent, node):
            kinds.add("sequence")
        elif isinstance(parent, ast.BinOp):
            kinds.add("number")
        elif isinstance(parent, ast.Compare):
            strings += _compared(parent, kinds)
        elif isinstance(parent, ast.If | ast.IfExp | ast.BoolOp | ast.UnaryOp):
            kinds.add("flag")
    return Use(frozenset(kinds), tuple(dict.fromkeys(strings)), tuple(dict.fromkeys(attributes)))


def _goes_through(parent: ast.AST | None, node: ast.AST) -> bool:
    """Whether *parent* takes the items of *node*."""
    if isinstance(parent, ast.For | ast.comprehension):
        return parent.iter is node
    if isinstance(parent, ast.Assign):
        return any(isinstance(target, ast.Tuple | ast.List) for target in parent.targets)
    return isinstance(parent, ast.Starred)


def _by_call(call: ast.Call, kinds: set[str]) -> None:
    last = dotted(call.func)[-1]
    if last in ("len", "enumerate", "zip", "sum", "list", "tuple", "prod", "iter", "sorted", "reversed", "max"):
        kinds.add("sequence")
    elif last in ("range", "Linear", "Embedding", "Conv2d", "LSTM", "GRU", "int", "BatchNorm2d", "LayerNorm"):
        kinds.add("number")
    elif last in ("Sequential", "ModuleList", "add_module", "clones", "deepcopy"):
        kinds.add("module")


def _compared(node: ast.Compare, kinds: set[str]) -> Iterator[str]:
    for each in [node.left, *node.comparators]:
        for inner in ast.walk(each):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                yield inner.value
            elif isinstance(inner, ast.Constant) and isinstance(inner.value, int | float):
                kinds.add("number")


def guesses(
    parameter: inspect.Parameter, use: Use, namespace: dict[str, Any], fitting: Callable[[str], list[str]]
) -> list[str]:
    """Sources of values worth a try for *parameter*, the likeliest first.

    Args:
        parameter: a parameter of the constructor.
        use: how it is used there.
        namespace: the file's names.
        fitting: gives expressions that build the classes of the file that a parameter's name or annotation asks for.
    """
    found: list[str] = [repr(each) for each in use.strings]
    found += by_annotation(parameter.annotation, namespace, fitting)
    found += fitting(parameter.name)
    named = next((values for pattern, values in _TABLE if pattern.match(parameter.name)), ())
    if "sequence" in use.kinds and "number" not in use.kinds and not any(_is_sequence(each) for each in found):
        found += [each for each in named if _is_sequence(each)] + list(_LISTS) + [f"[{each}] * 4" for each in named[:1]]
    if "call" in use.kinds:
        found += [each for each in named if each.startswith("torch.") and not each.endswith(")")]
        found += ["torch.nn.Identity", "torch.nn.ReLU", "torch.nn.BatchNorm2d", "torch.nn.Conv2d"]
    if "module" in use.kinds:
        found.append("torch.nn.Identity()")
    found += named
    if "flag" in use.kinds:
        found.append("False")
    found += ["32", "False", "None", "[2, 2, 2, 2]"]
    if not use.kinds & {"number", "sequence"} and not all(each[0].isdigit() for each in named[:1]):
        found += ["torch.nn.Identity()", "torch.nn.Identity"]
    return list(dict.fromkeys(found))


def _is_sequence(source: str) -> bool:
    return source.startswith(("[", "("))


_LARGE = 256
"""A number in a configuration's defaults beyond which a smaller one does for a guess."""


def _small(configuration: type) -> str | None:
    """The source of a small one of *configuration*, a dataclass; ``None`` where its defaults are small and complete."""
    smaller: dict[str, str] = {}
    needed = False
    for each in fields(configuration):
        named = next((values for pattern, values in _TABLE if pattern.match(each.name)), ())
        is_number = each.type in (int, "int")
        if not each.init or not named or not named[0].isdigit() or not is_number:
            continue
        default = each.default
        if default is None or not isinstance(default, int) or default <= 0 or default > int(named[0]):
            smaller[each.name] = named[0]
            needed |= not isinstance(default, int) or default < 0 or default > _LARGE
    return f"{configuration.__name__}({', '.join(f'{n}={v}' for n, v in smaller.items())})" if needed else None


_BY_TYPE = {float: "0.1", bool: "False"}


def by_annotation(annotation: Any, namespace: dict[str, Any], fitting: Callable[[str], list[str]]) -> list[str]:
    """Sources of values for a parameter with that annotation."""
    if annotation is inspect.Parameter.empty:
        return []
    if isinstance(annotation, str):
        try:
            annotation = eval(annotation, namespace)
        except Exception:
            return fitting(annotation)
    if annotation in _BY_TYPE:
        return [_BY_TYPE[annotation]]
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return [f"{annotation.__name__}.{next(iter(annotation)).name}"]
    if isinstance(annotation, type) and is_dataclass(annotation):
        small = _small(annotation)
        return [*fitting(annotation.__name__), *([small] if small else []), f"{annotation.__name__}()"]
    if isinstance(annotation, type):
        return fitting(annotation.__name__)
    text = str(annotation)
    if re.search(r"\b(List|Sequence|Tuple|list|tuple|Iterable)\[", text):
        return ["[2, 2, 2, 2]", "[16, 32, 64, 64]", "(16, 16)"]
    return []
