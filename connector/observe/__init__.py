"""From kernel text and tables to typed values; reading and parsing are two functions."""
