from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from batchlint.verify.plan.slicing import slice_module


def kept(text: str) -> list[str]:
    return [ast.unparse(each) for each in slice_module(ast.parse(dedent(text))).kept]


def test_a_training_script_keeps_its_definitions_and_settings() -> None:
    text = """
        import argparse
        import torch
        parser = argparse.ArgumentParser()
        parser.add_argument("--dim", type=int, default=8)
        opt = parser.parse_args()
        print(opt)
        os.makedirs("images", exist_ok=True)
        shape = (opt.channels, 32, 32)
        class Net(torch.nn.Module):
            pass
        net = Net()
        net.cuda()
        loader = torch.utils.data.DataLoader(datasets.MNIST("data", download=True), batch_size=4)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for epoch in range(10):
            loss = net(1)
            loss.backward()
        torch.save(net, "net.pt")
    """
    assert kept(text) == [
        "import argparse",
        "import torch",
        "parser = argparse.ArgumentParser()",
        "parser.add_argument('--dim', type=int, default=8)",
        "opt = parser.parse_args()",
        "shape = (opt.channels, 32, 32)",
        "class Net(torch.nn.Module):\n    pass",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "model = torch.load('model.pt')",
        "text = open('data.txt').read()",
        "train_set, test_set = load_data()",
        "frame = pandas.read_csv('a.csv')",
        "answer = input('? ')",
        "while True:\n    pass",
        "plt.plot(x)",
        "x.backward()",
        "assert torch.cuda.is_available()",
        "with open('a') as file:\n    words = 3",
        "del_ = subprocess.run(['rm'])",
    ],
)
def test_what_does_something_is_left_out(statement: str) -> None:
    assert kept(statement) == []


@pytest.mark.parametrize(
    "statement",
    [
        "size = 3 * 4",
        "device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        "transform = transforms.Compose([transforms.ToTensor()])",
        "Tensor = torch.cuda.FloatTensor if cuda else torch.FloatTensor",
        "layers: list = []",
        "config.update({'dim': 3})",
        "x = torch.randn(2, 3).cuda()",
    ],
)
def test_what_says_what_something_is_is_kept(statement: str) -> None:
    assert kept(statement) == [statement]


def test_what_depends_on_something_left_out_is_left_out() -> None:
    sliced = slice_module(ast.parse("words = open('a').read()\nvocabulary = sorted(set(words))\nsize = 4"))
    assert [ast.unparse(each) for each in sliced.kept] == ["size = 4"]
    assert sliced.left_out == {"words": 1, "vocabulary": 2}


def test_functions_that_train_are_not_called_and_light_ones_are() -> None:
    text = """
        def sizes():
            return [1, 2]
        def prepare():
            for x in loader:
                x.backward()
            return 4
        first = sizes()
        second = prepare()
    """
    assert "first = sizes()" in kept(text)
    assert "second = prepare()" not in kept(text)


def test_of_the_main_guard_what_is_light_is_kept() -> None:
    text = """
        if __name__ == "__main__":
            args = parser.parse_args()
            main(args)
    """
    assert kept(text) == ["args = parser.parse_args()"]


def test_branches_keep_their_light_parts() -> None:
    text = """
        if args.data == "mnist":
            dataset = datasets.MNIST(".")
            channels = 1
        else:
            channels = 3
    """
    assert kept(text) == ["if args.data == 'mnist':\n    channels = 1\nelse:\n    channels = 3"]


def test_imports_that_are_tried_stay_tried() -> None:
    text = """
        try:
            import apex
        except ImportError:
            apex = None
            print("no apex")
    """
    assert kept(text) == ["try:\n    import apex\nexcept ImportError:\n    apex = None"]


def test_a_loop_that_fills_what_a_class_reads_is_kept_and_other_loops_are_not() -> None:
    text = """
        table, curve = {}, []
        for i in range(3):
            table[i] = i * i
        for i in range(3):
            curve.append(i)
        class Net:
            size = table[2]
    """
    assert "for i in range(3):\n    table[i] = i * i" in kept(text)
    assert "for i in range(3):\n    curve.append(i)" not in kept(text)


def test_names_that_a_function_makes_global_are_kept() -> None:
    text = """
        def main():
            global args
            args = parser.parse_args()
            train(args)
    """
    assert kept(text)[-1] == "args = parser.parse_args()"


def test_lines_stay_the_users() -> None:
    text = "import torch\ntrain()\n\nif __name__ == '__main__':\n    size = 3\n"
    assert [each.lineno for each in slice_module(ast.parse(text)).kept] == [1, 5]
