"""The registry that the handlers of Certificate Manager attach to."""

from homeport.aws.operation import Service

acm = Service("acm")

#: Woken when a certificate that is in use has been replaced; services that serve certificates listen to it.
CERTIFICATES = "acm.certificates"
