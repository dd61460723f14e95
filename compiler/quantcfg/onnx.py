"""The functions of the ONNX edition: AMCT's create_quant_config, and read_model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantcfg import api

if TYPE_CHECKING:
    from quantcfg.files import PathLike
    from quantcfg.network import Network

__all__ = ["create_quant_config", "read_model"]

_EDITION = "onnx"


def create_quant_config(
    config_file: str,
    model_file: str,
    skip_layers: list[str] | None = None,
    batch_num: int = 1,
    activation_offset: bool = True,
    config_defination: str | None = None,
    updated_model: str | None = None,
) -> None:
    """Write the quantization configuration of a model, like the function of this name in AMCT.

    Args:
        config_file: the JSON file to write; missing directories are created, an
            existing file is replaced.
        model_file: the ONNX model.
        skip_layers: names of quantizable nodes to skip.
        batch_num: number of calibration batches.
        activation_offset: whether activations are quantized with an offset.
        config_defination: the quant.cfg; if it is given, the three arguments
            before it are ignored.
        updated_model: an ONNX file to write: the model with a unique name for each
            node. The configuration has these names. Both files are written, or none.

    Raises:
        TypeError: an argument has the wrong type.
        QuantConfigError: the request cannot be compiled, or a file cannot be
            written. Existing files then stay as they are.

    """
    api.write_quant_config(
        _EDITION,
        {"config_file": config_file, "model_file": model_file},
        api.PlainArguments(skip_layers, batch_num, activation_offset),
        config_defination,
        updated_model,
    )


def read_model(model_file: PathLike) -> Network:
    """Return the network of an ONNX model: its layers are the nodes of the top-level graph.

    The data of its tensors is not read. Warnings are in its diagnostics.

    Raises:
        QuantConfigError: the model cannot be read.

    """
    return api.read_model_as(_EDITION, model_file)
