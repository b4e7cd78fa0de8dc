"""What somebody who helps would ask for, in one archive, with the secrets removed."""
