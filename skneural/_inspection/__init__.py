"""What a fitted network or a search has to tell: measurements, findings, studies."""
