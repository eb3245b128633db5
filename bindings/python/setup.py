"""Puts the library into the wheel and tags it for its platform: one wheel serves every Python 3."""

import os
import shutil
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py
from wheel.bdist_wheel import bdist_wheel


class BuildWithLibrary(build_py):
    """Copies the library that GATEWIRE_LIBRARY names next to the modules."""

    def run(self) -> None:
        super().run()
        library = os.environ.get("GATEWIRE_LIBRARY")
        if library:
            shutil.copy(library, Path(self.build_lib, "gatewire", "libgatewire.so"))


class PlatformWheel(bdist_wheel):
    """Nothing depends on the interpreter, everything on the platform: ``py3-none-linux_x86_64``."""

    def get_tag(self) -> tuple[str, str, str]:
        return "py3", "none", super().get_tag()[2]


class PlatformDistribution(Distribution):
    """Says that a part of the package is native."""

    def has_ext_modules(self) -> bool:
        return True


setup(distclass=PlatformDistribution, cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel})
