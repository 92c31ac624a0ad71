"""The pure core: values in, values out. No network, disk, environment, clock or output."""
