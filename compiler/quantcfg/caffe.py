"""The functions of the Caffe edition: AMCT's create_quant_config, and read_model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantcfg import api

if TYPE_CHECKING:
    from quantcfg.files import PathLike
    from quantcfg.network import Network

__all__ = ["create_quant_config", "read_model"]

_EDITION = "caffe"


def create_quant_config(
    config_file: str,
    model_file: str,
    weights_file: str,
    skip_layers: list[str] | None = None,
    batch_num: int = 1,
    activation_offset: bool = True,
    config_defination: str | None = None,
) -> None:
    """Write the quantization configuration of a model, like the function of this name in AMCT.

    Args:
        config_file: the JSON file to write; missing directories are created, an
            existing file is replaced.
        model_file: the prototxt.
        weights_file: the caffemodel.
        skip_layers: names of quantizable layers to skip.
        batch_num: number of calibration batches.
        activation_offset: whether activations are quantized with an offset.
        config_defination: the quant.cfg; if it is given, the three arguments
            before it are ignored.

    Raises:
        TypeError: an argument has the wrong type.
        QuantConfigError: the request cannot be compiled, or the file cannot be
            written. An existing file then stays as it is.

    """
    api.write_quant_config(
        _EDITION,
        {"config_file": config_file, "model_file": model_file, "weights_file": weights_file},
        api.PlainArguments(skip_layers, batch_num, activation_offset),
        config_defination,
    )


def read_model(model_file: PathLike, weights_file: PathLike | None = None) -> Network:
    """Return the network of a prototxt in phase TEST, with the shapes of its weights if they are given.

    Warnings are in its diagnostics.

    Raises:
        QuantConfigError: the model cannot be read.

    """
    return api.read_model_as(_EDITION, model_file, weights_file)
