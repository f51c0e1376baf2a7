"""What agencies send: rows, files, streams and topics; who stands on a list, who is silent."""
