"""What a pass leaves for the next one in `state_dir`: small files, each written atomically."""
