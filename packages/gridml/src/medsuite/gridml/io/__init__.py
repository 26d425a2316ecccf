"""Readers and writers: VTU through meshio, MeshGraphNets TFRecord without TensorFlow."""
