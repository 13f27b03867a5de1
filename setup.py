"""Packaging of tfgeo: what is installed, and which versions of its dependencies work together."""

import re
from pathlib import Path

from setuptools import find_packages, setup

INSTALL_REQUIRES = [
    "tensorflow>=2.18,<2.22",
    # [tf] brings tf-keras, without which TFP refuses to be imported beside Keras 3.
    "tensorflow-probability[tf]>=0.25,<0.26",
    "keras>=3.10,<4",
    # scikit-learn-extra 0.3.0, its last release, is compiled against NumPy 1 and cannot be imported on
    # NumPy 2; building it from source does not help. So NumPy 1 is required wherever it exists.
    "numpy>=1.26,<2; python_version < '3.13'",
    # NumPy 1 does not exist for Python 3.13. TFP 0.25 trips over NumPy 2.4 (tfb.Pad, tfb.SoftmaxCentered).
    "numpy>=1.26,<2.4; python_version >= '3.13'",
    # Its wheels end with Python 3.11: later ones would need a C compiler, so there `kmedoids` serves alone.
    "scikit-learn-extra>=0.3; python_version < '3.12'",
    "kmedoids>=0.5",
    # 1.6 has `validate_data` and the tags by which estimators are known.
    "scikit-learn>=1.6",
    "scipy",
    "matplotlib>=3.8",
    # Reads folders of images; matplotlib brings it anyway.
    "pillow>=10.1",
    "absl-py>=2",
    "ml-collections>=1",
    "tqdm",
    # TFP 0.25 imports distutils, which Python 3.12 dropped and setuptools still carries.
    "setuptools; python_version >= '3.12'",
]

# TensorFlow brings TensorBoard up to 2.20 only; the Keras TensorBoard callback needs it.
TENSORBOARD = ["tensorboard>=2.18"]

# Reads the scans of OASIS; the oldest version that runs on every Python and NumPy above.
DATA = ["nibabel>=5.2"]

# The site of the documentation.
DOCS = ["mkdocs>=1.6,<2", "mkdocs-material>=9.5", "mkdocstrings[python]>=0.26", "jupytext>=1.16", "nbformat>=5.9"]

# Runs the notebooks that are made of its pages.
NOTEBOOKS = ["nbclient>=0.10", "ipykernel>=6.29"]

# Distances larger than memory, and by many workers. zarr 3 needs Python 3.11; both formats are read and written.
DISTRIBUTED = ["dask>=2024.5", "distributed>=2024.5", "zarr>=2.18"]

# Entries of others, by name.
HUB = ["huggingface_hub>=0.26"]

# The served explorer; the page that is one file needs nothing.
EXPLORE = ["bokeh>=3.4"]

# Drives the headless Chromium in which the explorer is tested.
BROWSER = ["playwright>=1.44"]

EXTRAS_REQUIRE = {
    "data": DATA,
    "distributed": DISTRIBUTED,
    "explore": EXPLORE,
    "tensorboard": TENSORBOARD,
    "docs": DOCS,
    "hub": HUB,
    # Finds inputs by the lines that they reach; wheels end with Python 3.13.
    "fuzz": ["atheris>=2.3; platform_system == 'Linux'"],
    "dev": [
        "import-linter>=2.1",
        "mypy>=1.11",
        "pytest>=8",
        "pytest-xdist>=3.5",
        "ruff>=0.6",
        *BROWSER,
        *DATA,
        *DOCS,
        *NOTEBOOKS,
        *DISTRIBUTED,
        *HUB,
        *EXPLORE,
        *TENSORBOARD,
    ],
}

README = Path(__file__).parent / "README.md"
VERSION = re.search(
    r'^__version__ = "(.*)"', (Path(__file__).parent / "tfgeo/__init__.py").read_text("utf-8"), re.M
)

setup(
    name="tfgeo",
    version=VERSION[1],
    description="A TensorFlow Probability model zoo for the geometry of deep generative models.",
    long_description=README.read_text(encoding="utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    author="The tfgeo authors",
    license="Apache-2.0",
    packages=find_packages(include=["tfgeo", "tfgeo.*", "zoo", "zoo.*", "launch", "launch.*"]),
    package_data={
        "tfgeo": ["py.typed"],
        "tfgeo.explorer": ["web/*"],
        "zoo": ["py.typed", "weights/*/*.weights.h5", "weights/*/*.json", "CATALOGUE.md", "thumbnails/*/*.png"],
    },
    python_requires=">=3.10,<3.14",
    install_requires=INSTALL_REQUIRES,
    extras_require=EXTRAS_REQUIRE,
    entry_points={"console_scripts": ["tfgeo = launch.console:main"]},
    classifiers=[
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
