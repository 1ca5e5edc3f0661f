"""Vision transformers, written with einops; smaller than their authors' examples, in the same proportions."""

from __future__ import annotations

from benchmarks.shapes.catalogue.model import Collection, of

_IMAGES = "torch.randn(2, 3, 64, 64)"
_SQUARE = "torch.randn(1, 3, 224, 224)"
_VIDEO = "torch.randn(2, 3, 8, 32, 32)"
_VIT = "image_size=64, patch_size=16, num_classes=10, dim=64, depth=2, heads=4, mlp_dim=128"
_CAIT = "image_size=64, patch_size=16, num_classes=10, dim=64, depth=2, cls_depth=2, heads=4, mlp_dim=128"
_VIT_3D = (
    "image_size=32, frames=8, image_patch_size=8, frame_patch_size=2, num_classes=10, dim=64, depth=2, heads=4, "
    "mlp_dim=128"
)
_VIVIT = (
    "image_size=32, frames=8, image_patch_size=8, frame_patch_size=2, num_classes=10, dim=64, spatial_depth=2, "
    "temporal_depth=2, heads=4, mlp_dim=128"
)
_CCT = (
    "embedding_dim=48, n_conv_layers=2, kernel_size=7, stride=2, padding=3, pooling_kernel_size=3, pooling_stride=2, "
    "pooling_padding=1, num_layers=2, num_heads=6, mlp_ratio=3., num_classes=10, positional_embedding='learnable'"
)
_ND = "ndim=3, input_shape=(8, 16, 16), patch_size=(2, 4, 4), num_classes=10, dim=48, depth=2, heads=4, mlp_dim=64"
_VOLUME = "torch.randn(2, 3, 8, 16, 16)"

COLLECTIONS = (
    Collection(
        "lucidrains/vit-pytorch",
        (
            *of("ats_vit.py", _IMAGES, f"ViT({_VIT}, max_tokens_per_depth=(8, 4))"),
            *of("cait.py", _IMAGES, f"CaiT({_CAIT}, layer_dropout=0.05)"),
            *of("cct.py", "torch.randn(1, 3, 64, 96)", f"CCT(img_size=(64, 96), {_CCT})"),
            *of(
                "cct_3d.py",
                "torch.randn(1, 3, 8, 64, 64)",
                f"CCT(img_size=64, num_frames=8, frame_kernel_size=3, {_CCT})",
            ),
            *of(
                "cross_vit.py",
                _IMAGES,
                "CrossViT(image_size=64, num_classes=10, depth=2, sm_dim=48, sm_patch_size=8, sm_enc_depth=2, "
                "sm_enc_heads=4, sm_enc_mlp_dim=64, lg_dim=96, lg_patch_size=16, lg_enc_depth=2, lg_enc_heads=4, "
                "lg_enc_mlp_dim=96, cross_attn_depth=2, cross_attn_heads=4)",
            ),
            *of("crossformer.py", _SQUARE, "CrossFormer(num_classes=10, dim=(32, 64, 128, 256), depth=(1, 1, 2, 1))"),
            *of(
                "cvt.py",
                _IMAGES,
                "CvT(num_classes=10, s1_emb_dim=16, s2_emb_dim=32, s2_depth=2, s3_emb_dim=64, s3_heads=4, s3_depth=2)",
            ),
            *of("deepvit.py", _IMAGES, f"DeepViT({_VIT})"),
            *of("es_vit.py", "torch.randn(2, 16)", "MLP(16, 32, 2)"),
            *of("jet_vit.py", _IMAGES, f"JetViT({_VIT}, window_size=2, attn_layers=['LA', 'WA'])"),
            *of("jumbo_vit.py", _IMAGES, f"JumboViT({_VIT})"),
            *of("learnable_memory_vit.py", _IMAGES, f"ViT({_VIT})"),
            *of(
                "learnable_memory_vit.py", _IMAGES, f"Adapter(vit=ViT({_VIT}), num_classes=2, num_memories_per_layer=5)"
            ),
            *of(
                "levit.py",
                _SQUARE,
                "LeViT(image_size=224, num_classes=10, stages=3, dim=(32, 48, 64), depth=2, heads=(2, 3, 4), mlp_mult=2)",
            ),
            *of(
                "look_vit.py",
                "torch.randn(2, 3, 128, 128)",
                "LookViT(image_size=128, num_classes=10, dim=32, depth=2, heads=2, dim_head=16, patch_size=32, highres_patch_size=8)",
            ),
            *of(
                "max_vit.py",
                _SQUARE,
                "MaxViT(num_classes=10, dim_conv_stem=16, dim=24, dim_head=8, depth=(1, 1, 1, 1))",
            ),
            *of(
                "max_vit_with_registers.py",
                _SQUARE,
                "MaxViT(num_classes=10, dim_conv_stem=16, dim=24, dim_head=8, depth=(1, 1, 1, 1), window_size=7)",
            ),
            *of(
                "mobile_vit.py",
                "torch.randn(1, 3, 256, 256)",
                "MobileViT((256, 256), [96, 120, 144], [16, 32, 48, 48, 64, 64, 80, 80, 96, 96, 384], 10)",
            ),
            *of("mp3.py", _IMAGES, f"ViT({_VIT})", f"MP3(vit=ViT({_VIT}), masking_ratio=0.75)"),
            *of("na_vit.py", "[torch.randn(3, 64, 64), torch.randn(3, 32, 48)]", f"NaViT({_VIT})"),
            *of(
                "nest.py",
                "torch.randn(1, 3, 64, 64)",
                "NesT(image_size=64, patch_size=4, dim=24, heads=3, num_hierarchies=3, block_repeats=(1, 1, 2), num_classes=10)",
            ),
            *of("normalized_vit.py", _IMAGES, f"nViT({_VIT})"),
            *of("parallel_vit.py", _IMAGES, f"ViT({_VIT}, num_parallel_branches=2)"),
            *of(
                "pit.py",
                _SQUARE,
                "PiT(image_size=224, patch_size=14, dim=32, num_classes=10, depth=(1, 1, 1), heads=2, mlp_dim=64)",
            ),
            *of(
                "regionvit.py",
                _SQUARE,
                "RegionViT(dim=(16, 32, 64, 128), depth=(1, 1, 1, 1), window_size=7, num_classes=10)",
            ),
            *of("rvt.py", _IMAGES, f"RvT({_VIT})"),
            *of(
                "scalable_vit.py",
                "torch.randn(1, 3, 256, 256)",
                "ScalableViT(num_classes=10, dim=16, heads=(1, 2, 2, 4), depth=(1, 1, 1, 1), ssa_dim_key=(10, 10, 10, 8), "
                "reduction_factor=(8, 4, 2, 1), window_size=(64, 32, None, None))",
            ),
            *of(
                "sep_vit.py",
                _SQUARE,
                "SepViT(num_classes=10, dim=16, dim_head=8, heads=(1, 2, 4, 8), depth=(1, 1, 1, 1), window_size=7)",
            ),
            *of("simple_flash_attn_vit.py", _IMAGES, f"SimpleViT({_VIT}, use_flash=True)"),
            *of("simple_flash_attn_vit_3d.py", _VIDEO, f"SimpleViT({_VIT_3D}, use_flash_attn=True)"),
            *of("simple_uvit.py", _IMAGES, f"SimpleUViT({_VIT})"),
            *of("simple_vit.py", _IMAGES, f"SimpleViT({_VIT})"),
            *of(
                "simple_vit_1d.py",
                "torch.randn(4, 3, 256)",
                "SimpleViT(seq_len=256, patch_size=16, num_classes=10, dim=64, depth=2, heads=4, mlp_dim=128)",
            ),
            *of("simple_vit_3d.py", _VIDEO, f"SimpleViT({_VIT_3D})"),
            *of("simple_vit_attn_residual.py", _IMAGES, f"SimpleViTAttnResidual({_VIT})"),
            *of("simple_vit_orthog_residual_update.py", _IMAGES, f"SimpleViT({_VIT})"),
            *of(
                "simple_vit_with_fft.py",
                "torch.randn(2, 3, 64, 64)",
                "SimpleViT(image_size=64, patch_size=8, freq_patch_size=8, num_classes=10, dim=64, depth=1, heads=4, mlp_dim=128)",
            ),
            *of("simple_vit_with_hyper_connections.py", _IMAGES, f"SimpleViT({_VIT}, num_residual_streams=4)"),
            *of("simple_vit_with_patch_dropout.py", _IMAGES, f"SimpleViT({_VIT})"),
            *of("simple_vit_with_qk_norm.py", _IMAGES, f"SimpleViT({_VIT})"),
            *of("simple_vit_with_register_tokens.py", _IMAGES, f"SimpleViT({_VIT})"),
            *of("simple_vit_with_specialized_cls.py", _IMAGES, f"SimpleViT({_VIT})"),
            *of("simple_vit_with_value_residual.py", _IMAGES, f"SimpleViT({_VIT})"),
            *of(
                "t2t.py",
                _SQUARE,
                "T2TViT(dim=48, image_size=224, depth=2, heads=4, mlp_dim=64, num_classes=10, t2t_layers=((7, 4), (3, 2), (3, 2)))",
            ),
            *of(
                "twins_svt.py",
                _SQUARE,
                "TwinsSVT(num_classes=10, s1_emb_dim=16, s2_emb_dim=32, s3_emb_dim=48, s3_depth=1, s4_emb_dim=64, s4_depth=1)",
            ),
            *of("vat.py", _IMAGES, f"ViT({_VIT})"),
            *of("vaat.py", _IMAGES, f"ViT({_VIT})"),
            *of("vit.py", _IMAGES, f"ViT({_VIT})", f"ViT({_VIT}, pool='mean')"),
            *of(
                "vit.py",
                "torch.randn(1, 3, 64, 32)",
                "ViT(image_size=(64, 32), patch_size=(32, 16), num_classes=10, dim=64, depth=2, heads=4, mlp_dim=128)",
            ),
            *of(
                "vit_1d.py",
                "torch.randn(4, 3, 256)",
                "ViT(seq_len=256, patch_size=16, num_classes=10, dim=64, depth=2, heads=4, mlp_dim=128)",
            ),
            *of("vit_3d.py", _VIDEO, f"ViT({_VIT_3D})"),
            *of("vit_detpool.py", _IMAGES, f"ViTDetPool({_VIT})"),
            *of("vit_for_small_dataset.py", _IMAGES, f"ViT({_VIT})", "SPT(dim=64, patch_size=16, channels=3)"),
            *of("vit_nd.py", _VOLUME, f"ViTND({_ND})"),
            *of("vit_nd_pope.py", _VOLUME, f"ViTND({_ND})"),
            *of("vit_nd_rotary.py", _VOLUME, f"ViTND({_ND})"),
            *of("vit_with_decorr.py", _IMAGES, f"ViT({_VIT})"),
            *of("vit_with_keel_post_ln.py", _IMAGES, f"ViT({_VIT})"),
            *of("vit_with_patch_dropout.py", _IMAGES, f"ViT({_VIT})"),
            *of("vit_with_patch_merger.py", _IMAGES, f"ViT({_VIT}, patch_merge_layer=1, patch_merge_num_tokens=8)"),
            *of("vit_with_patch_merger.py", "torch.randn(4, 25, 64)", "PatchMerger(dim=64, num_tokens_out=8)"),
            *of("vivit.py", _VIDEO, f"ViViT({_VIVIT})", f"ViViT({_VIVIT}, variant='factorized_self_attention')"),
            *of("vivit_with_moss.py", _VIDEO, f"ViViT({_VIVIT})"),
            *of(
                "wwt.py",
                _IMAGES,
                "WWT(image_size=64, patch_size=16, num_classes=10, dim=64, depth=2, num_slots=4, heads=4)",
            ),
            *of("xcit.py", _IMAGES, f"XCiT({_CAIT}, local_patch_kernel_size=3)"),
        ),
        folder="vit_pytorch",
        package="vit_pytorch",
    ),
)
