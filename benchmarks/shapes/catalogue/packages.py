"""Models of installed packages, whose files import from their package."""

from __future__ import annotations

from benchmarks.shapes.catalogue.model import Collection, Model, of

_IMAGES = "torch.randn(2, 3, 64, 64)"
_SMALL = "torch.randn(2, 3, 32, 32)"
_USUAL = "torch.randn(1, 3, 224, 224)"
_VIDEO = "torch.randn(1, 3, 8, 64, 64)"

COLLECTIONS = (
    Collection(
        "torchvision",
        (
            *of("alexnet.py", _USUAL, "alexnet()", "AlexNet(num_classes=10)"),
            *of(
                "convnext.py",
                _IMAGES,
                "convnext_tiny()",
                "ConvNeXt([CNBlockConfig(16, 32, 2), CNBlockConfig(32, None, 2)])",
            ),
            *of("densenet.py", _IMAGES, "densenet121()", "DenseNet(16, (2, 4, 3), 32)"),
            *of("efficientnet.py", _IMAGES, "efficientnet_b0()", "efficientnet_v2_s()"),
            *of("googlenet.py", _IMAGES, "googlenet(init_weights=False)", "GoogLeNet(init_weights=False)"),
            *of(
                "inception.py",
                "torch.randn(1, 3, 128, 128)",
                "inception_v3(init_weights=False)",
                "Inception3(init_weights=False)",
            ),
            *of("maxvit.py", _USUAL, "maxvit_t()"),
            *of("mnasnet.py", _IMAGES, "mnasnet0_5()", "MNASNet(1.0)"),
            *of("mobilenetv2.py", _IMAGES, "mobilenet_v2()", "MobileNetV2(width_mult=0.5)"),
            *of("mobilenetv3.py", _IMAGES, "mobilenet_v3_small()", "mobilenet_v3_large()"),
            *of("regnet.py", _IMAGES, "regnet_y_400mf()", "regnet_x_400mf()"),
            *of(
                "resnet.py",
                _IMAGES,
                "resnet18()",
                "resnet50()",
                "resnext50_32x4d()",
                "wide_resnet50_2()",
                "ResNet(BasicBlock, [2, 2, 2, 2])",
                "ResNet(Bottleneck, [3, 4, 6, 3], groups=32, width_per_group=4)",
                "ResNet(Bottleneck, [3, 4, 6, 3], replace_stride_with_dilation=[False, True, True])",
            ),
            *of(
                "shufflenetv2.py", _IMAGES, "shufflenet_v2_x0_5()", "ShuffleNetV2([4, 8, 4], [24, 116, 232, 464, 1024])"
            ),
            *of("squeezenet.py", _IMAGES, "squeezenet1_0()", "squeezenet1_1()", "SqueezeNet('1_1')"),
            *of(
                "swin_transformer.py",
                _IMAGES,
                "swin_t()",
                "swin_v2_t()",
                "SwinTransformer([4, 4], 24, [2, 2], [3, 6], [7, 7])",
                "SwinTransformer([4, 4], 24, [2, 2], [3, 6], [8, 8], block=SwinTransformerBlockV2, downsample_layer=PatchMergingV2)",
            ),
            *of(
                "vgg.py",
                _IMAGES,
                "vgg11()",
                "vgg16_bn()",
                "VGG(make_layers(cfgs['A']))",
                "VGG(make_layers(cfgs['D'], batch_norm=True))",
            ),
            *of("vision_transformer.py", _USUAL, "vit_b_32()", "VisionTransformer(224, 32, 2, 4, 64, 128)"),
        ),
        folder="models",
        package="torchvision.models",
    ),
    Collection(
        "torchvision",
        (
            *of("mvit.py", "torch.randn(1, 3, 16, 224, 224)", "mvit_v1_b()"),
            *of(
                "resnet.py",
                _VIDEO,
                "r3d_18()",
                "mc3_18()",
                "r2plus1d_18()",
                "VideoResNet(BasicBlock, [Conv3DSimple] * 4, [2, 2, 2, 2], BasicStem)",
            ),
            *of("s3d.py", "torch.randn(1, 3, 16, 224, 224)", "s3d()", "S3D()"),
            *of("swin_transformer.py", _VIDEO, "swin3d_t()"),
        ),
        folder="models/video",
        package="torchvision.models.video",
    ),
    Collection(
        "torchvision",
        (
            Model("deeplabv3.py", "DeepLabHead(64, 21)", "torch.randn(1, 64, 28, 28)"),
            Model("fcn.py", "FCNHead(64, 21)", "torch.randn(1, 64, 28, 28)"),
            Model(
                "lraspp.py",
                "LRASPPHead(16, 32, 21, 8)",
                "{'low': torch.randn(1, 16, 28, 28), 'high': torch.randn(1, 32, 14, 14)}",
            ),
        ),
        folder="models/segmentation",
        package="torchvision.models.segmentation",
    ),
    Collection(
        "timm",
        (
            *of("convmixer.py", _IMAGES, "ConvMixer(dim=32, depth=2)"),
            *of("convnext.py", _IMAGES, "ConvNeXt(depths=(2, 2, 2, 2), dims=(16, 32, 64, 128))"),
            *of("densenet.py", _IMAGES, "densenet121()"),
            *of("dla.py", _IMAGES, "dla34()"),
            *of("dpn.py", _IMAGES, "dpn48b()"),
            *of("ghostnet.py", _IMAGES, "ghostnet_050()"),
            *of("inception_v3.py", "torch.randn(1, 3, 128, 128)", "inception_v3()"),
            *of("mlp_mixer.py", _SMALL, "MlpMixer(img_size=32, patch_size=8, num_blocks=2, embed_dim=32)"),
            *of("pit.py", _USUAL, "pit_ti_224()"),
            *of("res2net.py", _IMAGES, "res2net50_26w_4s()"),
            *of("resnet.py", _IMAGES, "resnet18()", "resnet26d()"),
            *of("resnest.py", _IMAGES, "resnest14d()"),
            *of("rexnet.py", _IMAGES, "rexnet_100()"),
            *of("selecsls.py", _IMAGES, "selecsls42b()"),
            *of("sknet.py", _IMAGES, "skresnet18()"),
            *of("tnt.py", _USUAL, "tnt_s_legacy_patch16_224()"),
            *of("vgg.py", _IMAGES, "vgg11()"),
            *of(
                "vision_transformer.py",
                _SMALL,
                "VisionTransformer(img_size=32, patch_size=8, embed_dim=32, depth=2, num_heads=4)",
            ),
            *of("visformer.py", _USUAL, "visformer_tiny()"),
            *of("xception.py", "torch.randn(1, 3, 96, 96)", "legacy_xception()"),
        ),
        folder="models",
        package="timm.models",
    ),
)
