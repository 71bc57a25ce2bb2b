# Stand-ins for the two functions of cPanel's exim.pl that the transports call.
sub get_message_sender_domain { return lc Exim::expand_string('$sender_address_domain'); }
sub get_sender_from_uid { return 'mail.example.com'; }
1;
