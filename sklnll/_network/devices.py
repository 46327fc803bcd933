"""On which device does the network compute?"""

import torch

from .._messages import warn_user


def find_device(name: str, *, warn: bool = False) -> torch.device:
    """The device of this name; the CPU where torch sees none of its kind.

    Parameters
    ----------
    name : str
        "cpu", "cuda", or "cuda:1" and so on.
    warn : bool, default=False
        Whether to say that the CPU takes its place.

    Raises
    ------
    ValueError
        If there is no such device.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise ValueError(
            f"device must be 'cpu', 'cuda', or 'cuda:1' and so on; got {name!r}. (Likelihoods are "
            "computed in double precision, which other devices lack.)"
        )
    if device.type == "cpu":
        return device
    if not torch.cuda.is_available():
        if warn:
            warn_user(
                f"device={name!r} is not here, the CPU computes instead: torch {torch.__version__} "
                "sees no CUDA device. Install a driver and a CUDA build of torch, or set "
                "device='cpu'."
            )
        return torch.device("cpu")
    n_devices = torch.cuda.device_count()
    if device.index is not None and device.index >= n_devices:
        raise ValueError(
            f"device={name!r} is not here: torch sees {n_devices}, 'cuda:0' to "
            f"'cuda:{n_devices - 1}'."
        )
    return device
