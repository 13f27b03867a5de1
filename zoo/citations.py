"""The papers' BibTeX."""

from __future__ import annotations

from types import MappingProxyType

from tfgeo.errors import UserError
from zoo.registry import config

__all__ = ["cite"]

# By the first part of an entry's name.
_BIBTEX = MappingProxyType(
    {
        "yang2018": """@article{yang2018geodesic,
  title = {Geodesic Clustering in Deep Generative Models},
  author = {Yang, Tao and Arvanitidis, Georgios and Fu, Dongmei and Li, Xiaogang and Hauberg, S{\\o}ren},
  journal = {arXiv preprint arXiv:1809.04747},
  year = {2018}
}""",
        # The copy of the text that this was built from carries no title: this one describes it.
        "gimli2018": """@misc{yang2018quadratic,
  title = {Quadratic geodesics in variational autoencoders},
  author = {Yang, Tao and Hauberg, S{\\o}ren},
  howpublished = {Extended abstract, GiMLi workshop},
  year = {2018}
}""",
        "chen2018": """@inproceedings{chen2018metrics,
  title = {Metrics for Deep Generative Models},
  author = {Chen, Nutan and Klushyn, Alexej and Kurle, Richard and Jiang, Xueyan and Bayer, Justin
            and van der Smagt, Patrick},
  booktitle = {International Conference on Artificial Intelligence and Statistics (AISTATS)},
  pages = {1540--1550},
  year = {2018},
  note = {arXiv:1711.01204}
}""",
        "chen2019": """@inproceedings{chen2019fast,
  title = {Fast Approximate Geodesics for Deep Generative Models},
  author = {Chen, Nutan and Ferroni, Francesco and Klushyn, Alexej and Paraschos, Alexandros and Bayer, Justin
            and van der Smagt, Patrick},
  booktitle = {International Conference on Artificial Neural Networks (ICANN)},
  year = {2019},
  note = {arXiv:1812.08284}
}""",
        "arvanitidis2018": """@inproceedings{arvanitidis2018latent,
  title = {Latent Space Oddity: on the Curvature of Deep Generative Models},
  author = {Arvanitidis, Georgios and Hansen, Lars Kai and Hauberg, S{\\o}ren},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year = {2018},
  note = {arXiv:1710.11379}
}""",
        "chadebec2020": """@article{chadebec2020geometry,
  title = {Geometry-Aware Hamiltonian Variational Auto-Encoder},
  author = {Chadebec, Cl{\\'e}ment and Mantoux, Cl{\\'e}ment and Allassonni{\\`e}re, St{\\'e}phanie},
  journal = {arXiv preprint arXiv:2010.11518},
  year = {2020}
}""",
    }
)


def cite(name: str) -> str:
    """BibTeX of the paper that an entry reproduces.

    Args:
      name: one of `zoo.names()`.

    Raises:
      UserError: if there is no such entry, or it reproduces no paper.
    """
    paper = config(name).name.partition("/")[0]
    if paper not in _BIBTEX:
        raise UserError(
            f"{name} reproduces no paper; cite those whose methods you use, such as {next(iter(_BIBTEX))}"
        )
    return _BIBTEX[paper]
