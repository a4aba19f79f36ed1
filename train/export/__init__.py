"""A training run goes in; a checkpoint folder, or an ONNX file, comes out."""
