"""Convolutional networks for small images."""

from __future__ import annotations

from benchmarks.shapes.catalogue.model import Collection, of

_IMAGES = "torch.randn(2, 3, 32, 32)"

COLLECTIONS = (
    Collection(
        "kuangliu/pytorch-cifar",
        (
            *of("densenet.py", _IMAGES, "densenet_cifar()", "DenseNet121()"),
            *of("dla.py", _IMAGES, "DLA()"),
            *of("dla_simple.py", _IMAGES, "SimpleDLA()"),
            *of("dpn.py", _IMAGES, "DPN26()"),
            *of("efficientnet.py", _IMAGES, "EfficientNetB0()"),
            *of("googlenet.py", _IMAGES, "GoogLeNet()"),
            *of("lenet.py", _IMAGES, "LeNet()"),
            *of("mobilenet.py", _IMAGES, "MobileNet()"),
            *of("mobilenetv2.py", _IMAGES, "MobileNetV2()"),
            *of("pnasnet.py", _IMAGES, "PNASNetA()", "PNASNetB()"),
            *of("preact_resnet.py", _IMAGES, "PreActResNet18()", "PreActResNet50()"),
            *of("regnet.py", _IMAGES, "RegNetX_200MF()", "RegNetY_400MF()"),
            *of("resnet.py", _IMAGES, "ResNet18()", "ResNet50()"),
            *of("resnext.py", _IMAGES, "ResNeXt29_2x64d()", "ResNeXt29_32x4d()"),
            *of("senet.py", _IMAGES, "SENet18()"),
            *of("shufflenetv2.py", _IMAGES, "ShuffleNetV2(0.5)", "ShuffleNetV2(net_size=1)"),
            *of("vgg.py", _IMAGES, "VGG('VGG11')", "VGG('VGG16')"),
        ),
        folder="models",
    ),
    Collection(
        "weiaicunzai/pytorch-cifar100",
        (
            *of("attention.py", _IMAGES, "attention56()"),
            *of("densenet.py", _IMAGES, "densenet121()"),
            *of("googlenet.py", _IMAGES, "googlenet()"),
            *of("inceptionv3.py", _IMAGES, "inceptionv3()"),
            *of("inceptionv4.py", _IMAGES, "inceptionv4()", "InceptionResNetV2(1, 1, 1)"),
            *of("mobilenet.py", _IMAGES, "mobilenet()"),
            *of("mobilenetv2.py", _IMAGES, "mobilenetv2()"),
            *of("nasnet.py", _IMAGES, "nasnet()"),
            *of("preactresnet.py", _IMAGES, "preactresnet18()", "preactresnet50()"),
            *of("resnet.py", _IMAGES, "resnet18()", "resnet50()"),
            *of("resnext.py", _IMAGES, "resnext50()"),
            *of("rir.py", _IMAGES, "resnet_in_resnet()"),
            *of("senet.py", _IMAGES, "seresnet18()", "seresnet50()"),
            *of("shufflenet.py", _IMAGES, "shufflenet()"),
            *of("shufflenetv2.py", _IMAGES, "shufflenetv2()"),
            *of("squeezenet.py", _IMAGES, "squeezenet()"),
            *of("stochasticdepth.py", _IMAGES, "stochastic_depth_resnet18()", "stochastic_depth_resnet50()"),
            *of("vgg.py", _IMAGES, "vgg11_bn()", "vgg16_bn()"),
            *of("wideresidual.py", _IMAGES, "wideresnet(depth=16, widen_factor=2)"),
            *of("xception.py", _IMAGES, "xception()"),
        ),
        folder="models",
    ),
)
