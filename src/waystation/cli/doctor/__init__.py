"""waystation doctor: looks at everything the service needs, and names the mend."""
