"""Generators, discriminators and encoders, sized by command-line arguments or by the shape of an image."""

from __future__ import annotations

from benchmarks.shapes.catalogue.model import Collection, Model, of

_GREY = "torch.randn(4, 1, 28, 28)"
_GREY_32 = "torch.randn(4, 1, 32, 32)"
_COLOUR = "torch.randn(2, 3, 64, 64)"
_LARGE = "torch.randn(1, 3, 128, 128)"
_NOISE = "torch.randn(4, 100)"

COLLECTIONS = (
    Collection(
        "eriklindernoren/PyTorch-GAN",
        (
            *of("aae/aae.py", _GREY_32, "Encoder()"),
            *of("aae/aae.py", "torch.randn(4, 10)", "Decoder()", "Discriminator()"),
            *of("acgan/acgan.py", f"{_NOISE}, torch.randint(0, 10, (4,))", "Generator()"),
            *of("acgan/acgan.py", _GREY_32, "Discriminator()"),
            *of("began/began.py", "torch.randn(4, 62)", "Generator()"),
            *of("began/began.py", _GREY_32, "Discriminator()"),
            *of("bgan/bgan.py", _NOISE, "Generator()"),
            *of("bgan/bgan.py", _GREY, "Discriminator()"),
            *of("bicyclegan/models.py", f"{_LARGE}, torch.randn(1, 8)", "Generator(8, (3, 128, 128))"),
            *of("bicyclegan/models.py", _LARGE, "Encoder(8, (3, 128, 128))"),
            *of("ccgan/models.py", f"{_LARGE}, torch.randn(1, 3, 32, 32)", "Generator((3, 128, 128))"),
            *of("ccgan/models.py", _LARGE, "Discriminator((3, 128, 128))"),
            *of("cgan/cgan.py", f"{_NOISE}, torch.randint(0, 10, (4,))", "Generator()"),
            *of("cgan/cgan.py", f"{_GREY_32}, torch.randint(0, 10, (4,))", "Discriminator()"),
            Model(
                "cluster_gan/clustergan.py",
                "Generator_CNN(30, 10, (1, 28, 28))",
                "torch.randn(4, 30), torch.randn(4, 10)",
            ),
            *of("cluster_gan/clustergan.py", _GREY, "Encoder_CNN(30, 10)", "Discriminator_CNN()"),
            *of("cogan/cogan.py", _NOISE, "CoupledGenerators()"),
            Model("cogan/cogan.py", "CoupledDiscriminators()", "torch.randn(4, 3, 32, 32), torch.randn(4, 3, 32, 32)"),
            *of("context_encoder/models.py", _LARGE, "Generator(channels=3)"),
            *of("context_encoder/models.py", _COLOUR, "Discriminator(channels=3)"),
            *of("cyclegan/models.py", _COLOUR, "GeneratorResNet((3, 64, 64), 9)", "Discriminator((3, 64, 64))"),
            *of("dcgan/dcgan.py", _NOISE, "Generator()"),
            *of("dcgan/dcgan.py", _GREY_32, "Discriminator()"),
            *of("discogan/models.py", _COLOUR, "GeneratorUNet((3, 64, 64))", "Discriminator((3, 64, 64))"),
            *of("dragan/dragan.py", _NOISE, "Generator()"),
            *of("dragan/dragan.py", _GREY_32, "Discriminator()"),
            *of("dualgan/models.py", _LARGE, "Generator()", "Discriminator()"),
            *of("ebgan/ebgan.py", "torch.randn(4, 62)", "Generator()"),
            *of("ebgan/ebgan.py", _GREY_32, "Discriminator()"),
            *of("esrgan/models.py", "torch.randn(1, 3, 16, 16)", "GeneratorRRDB(3, filters=16, num_res_blocks=2)"),
            *of("esrgan/models.py", _COLOUR, "Discriminator((3, 64, 64))"),
            *of("gan/gan.py", _NOISE, "Generator()"),
            *of("gan/gan.py", _GREY, "Discriminator()"),
            Model("infogan/infogan.py", "Generator()", "torch.randn(4, 62), torch.randn(4, 10), torch.randn(4, 2)"),
            *of("infogan/infogan.py", _GREY_32, "Discriminator()"),
            *of("lsgan/lsgan.py", _NOISE, "Generator()"),
            *of("lsgan/lsgan.py", _GREY_32, "Discriminator()"),
            *of("munit/models.py", _LARGE, "Encoder()", "MultiDiscriminator()"),
            Model("munit/models.py", "Decoder()", "torch.randn(1, 256, 16, 16), torch.randn(1, 8, 1, 1)"),
            *of("pix2pix/models.py", "torch.randn(1, 3, 256, 256)", "GeneratorUNet()"),
            *of("pix2pix/models.py", f"{_COLOUR}, {_COLOUR}", "Discriminator()"),
            Model("pixelda/pixelda.py", "Generator()", "torch.randn(4, 3, 32, 32), torch.randn(4, 10)"),
            *of("pixelda/pixelda.py", "torch.randn(4, 3, 32, 32)", "Discriminator()", "Classifier()"),
            *of("relativistic_gan/relativistic_gan.py", _NOISE, "Generator()"),
            *of("relativistic_gan/relativistic_gan.py", _GREY_32, "Discriminator()"),
            *of("sgan/sgan.py", _NOISE, "Generator()"),
            *of("sgan/sgan.py", _GREY_32, "Discriminator()"),
            *of("softmax_gan/softmax_gan.py", _NOISE, "Generator()"),
            *of("softmax_gan/softmax_gan.py", _GREY, "Discriminator()"),
            *of("srgan/models.py", "torch.randn(1, 3, 16, 16)", "GeneratorResNet(n_residual_blocks=4)"),
            *of("srgan/models.py", _COLOUR, "Discriminator((3, 64, 64))"),
            Model("stargan/models.py", "GeneratorResNet((3, 64, 64), 2, 5)", f"{_COLOUR}, torch.randn(2, 5)"),
            *of("stargan/models.py", _COLOUR, "Discriminator((3, 64, 64), 5, 4)"),
            *of(
                "unit/models.py",
                _COLOUR,
                "Encoder(dim=16, shared_block=ResidualBlock(64))",
                "Discriminator((3, 64, 64))",
            ),
            Model("unit/models.py", "Generator(dim=16, shared_block=ResidualBlock(64))", "torch.randn(1, 64, 16, 16)"),
            *of("wgan/wgan.py", _NOISE, "Generator()"),
            *of("wgan/wgan.py", _GREY, "Discriminator()"),
            *of("wgan_div/wgan_div.py", _NOISE, "Generator()"),
            *of("wgan_div/wgan_div.py", _GREY, "Discriminator()"),
            *of("wgan_gp/wgan_gp.py", _NOISE, "Generator()"),
            *of("wgan_gp/wgan_gp.py", _GREY, "Discriminator()"),
        ),
        folder="implementations",
    ),
)
