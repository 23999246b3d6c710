"""The control plane's tables from a scenario: `twin.world.control.build.build_signalling` (docs/signalling.md)."""
